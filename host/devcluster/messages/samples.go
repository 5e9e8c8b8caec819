package main

import (
	"encoding/json"
	"log"
	"reflect"
	"strconv"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// sample is one object in both forms.
type sample struct {
	Name     string          `json:"name"`
	Protobuf []byte          `json:"protobuf"`
	JSON     json.RawMessage `json:"json"`
}

// encoded has two samples of each kind: with a value in every field, and with empty values wherever there can be any.
func encoded() []byte {
	var samples []sample
	for _, version := range sorted(kinds) {
		for _, kind := range kinds[version] {
			for _, empty := range []bool{false, true} {
				samples = append(samples, of(version, kind.DeepCopyObject(), empty))
			}
		}
	}
	out := []byte("[\n")
	for i, sample := range samples {
		line, err := json.Marshal(sample)
		if err != nil {
			log.Fatal(err)
		}
		if i > 0 {
			out = append(out, ",\n"...)
		}
		out = append(out, line...)
	}
	return append(out, "\n]\n"...)
}

func of(version string, object runtime.Object, empty bool) sample {
	t := reflect.TypeOf(object).Elem()
	f := filler{empty: empty, whole: t == reflect.TypeOf(core.Pod{})}
	f.fill(reflect.ValueOf(object).Elem())
	object.GetObjectKind().SetGroupVersionKind(schema.FromAPIVersionAndKind(version, t.Name()))
	text, err := json.Marshal(object)
	if err != nil {
		log.Fatal(err)
	}
	bytes, err := runtime.Encode(protobuf.NewSerializer(nil, nil), object)
	if err != nil {
		log.Fatal(err)
	}
	suffix := ""
	if empty {
		suffix = " (empty)"
	}
	return sample{Name: version + "/" + t.Name() + suffix, Protobuf: bytes, JSON: text}
}

// filler gives fields values, each another one.
type filler struct {
	empty bool
	// whole says that pod specs are filled, too. Once is enough: they are what makes samples long.
	whole bool
	count int64
}

func (f *filler) fill(v reflect.Value) {
	f.count++
	if f.empty {
		f.count = 0
	}
	number := strconv.FormatInt(f.count, 10)
	moment := time.Unix(1700000000+f.count, 123456000*min(f.count, 1)).UTC()
	switch value := v.Addr().Interface().(type) {
	case *meta.TypeMeta:
		return
	case *core.PodSpec:
		if !f.whole {
			value.Containers = []core.Container{{Name: number}}
			return
		}
	case *meta.Time:
		value.Time = moment.Truncate(time.Second)
		return
	case *meta.MicroTime:
		value.Time = moment
		return
	case *resource.Quantity:
		*value = resource.MustParse(number)
		return
	case *intstr.IntOrString:
		*value = intstr.FromInt32(int32(f.count))
		if f.count%2 == 1 {
			*value = intstr.FromString(number)
		}
		return
	case *runtime.RawExtension:
		value.Raw = []byte(`{"count":` + number + `}`)
		return
	case *meta.FieldsV1:
		value.Raw = []byte(`{"f:` + number + `":{}}`)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(map[bool]string{true: "", false: "text " + number}[f.empty])
	case reflect.Bool:
		v.SetBool(!f.empty)
	case reflect.Int32, reflect.Int64:
		v.SetInt(f.count)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(map[bool]string{true: "", false: "bytes " + number}[f.empty]))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.fill(v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		key.SetString("key " + number)
		f.fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := 0; i < v.NumField(); i++ {
			if tag := v.Type().Field(i).Tag.Get("protobuf"); tag != "" && tag != "-" {
				f.fill(v.Field(i))
			}
		}
	default:
		log.Fatalf("no sample of %s", v.Type())
	}
}
