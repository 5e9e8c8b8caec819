// Command messages writes what the embedded API server needs to know about protobuf: for every kind that it takes in
// that form, the number and type of each field and the name that it has in JSON, and samples to test that with.
//
// The Go types are the only place that has all of it: their tags say under which number and name a field is encoded,
// which fields are embedded (and thus not a level of their own in JSON), and what is left out when it is empty.
//
//	go run . -table ../src/builtin/messages.yaml -samples ../src/request/protobuf/samples.json
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"reflect"
	"sort"
	"strings"

	apps "k8s.io/api/apps/v1"
	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	autoscaling "k8s.io/api/autoscaling/v1"
	batch "k8s.io/api/batch/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	events "k8s.io/api/events/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// kinds are those that the server has and that Kubernetes encodes as protobuf, by API version.
var kinds = map[string][]runtime.Object{
	"v1": {
		&core.ConfigMap{}, &core.Event{}, &core.Namespace{}, &core.PersistentVolumeClaim{}, &core.Pod{}, &core.Secret{},
		&core.Service{}, &core.ServiceAccount{},
	},
	"apps/v1":                      {&apps.DaemonSet{}, &apps.Deployment{}, &apps.ReplicaSet{}, &apps.StatefulSet{}},
	"authentication.k8s.io/v1":     {&authentication.SelfSubjectReview{}},
	"authorization.k8s.io/v1":      {&authorization.SelfSubjectAccessReview{}, &authorization.SelfSubjectRulesReview{}},
	"autoscaling/v1":               {&autoscaling.Scale{}},
	"batch/v1":                     {&batch.CronJob{}, &batch.Job{}},
	"coordination.k8s.io/v1":       {&coordination.Lease{}},
	"events.k8s.io/v1":             {&events.Event{}},
	"meta.k8s.io/v1":               {&meta.DeleteOptions{}},
	"networking.k8s.io/v1":         {&networking.Ingress{}, &networking.NetworkPolicy{}},
	"policy/v1":                    {&policy.PodDisruptionBudget{}},
	"rbac.authorization.k8s.io/v1": {&rbac.ClusterRole{}, &rbac.ClusterRoleBinding{}, &rbac.Role{}, &rbac.RoleBinding{}},
}

// leaves are types whose JSON form is not that of their fields.
var leaves = map[string]string{
	"meta/v1.Time":             "time",
	"meta/v1.MicroTime":        "microTime",
	"meta/v1.FieldsV1":         "fieldsV1",
	"api/resource.Quantity":    "quantity",
	"util/intstr.IntOrString":  "intOrString",
	"pkg/runtime.RawExtension": "rawExtension",
}

func main() {
	log.SetFlags(0)
	table := flag.String("table", "", "write the table of messages to this `file`")
	samples := flag.String("samples", "", "write sample objects to this `file`")
	flag.Parse()
	if *table != "" {
		write(*table, messages())
	}
	if *samples != "" {
		write(*samples, encoded())
	}
}

func write(file string, content []byte) {
	if err := os.WriteFile(file, content, 0o644); err != nil {
		log.Fatal(err)
	}
}

// messages is the table: first the kinds, then the message types they consist of.
func messages() []byte {
	var out strings.Builder
	out.WriteString("# Written by host/devcluster/messages from the types of Kubernetes 1.37.1. A field is its number, then\n" +
		"# \"list\" or \"map\" (with keys that are strings) or \"inline\" (its fields are those of the message it is in),\n" +
		"# and its type. \"keep\" marks scalars that are in JSON even when empty.\n")
	found := map[string]string{}
	out.WriteString("kinds:\n")
	for _, version := range sorted(kinds) {
		for _, kind := range kinds[version] {
			t := reflect.TypeOf(kind).Elem()
			fmt.Fprintf(&out, "  %s/%s: %s\n", version, t.Name(), name(t))
			collect(t, found)
		}
	}
	out.WriteString("messages:\n")
	for _, message := range sorted(found) {
		if found[message] == "" {
			fmt.Fprintf(&out, "  %s: {}\n", message)
		} else {
			fmt.Fprintf(&out, "  %s:\n%s", message, found[message])
		}
	}
	return []byte(out.String())
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// name is the last two parts of a type's package and its own name, such as core/v1.Pod.
func name(t reflect.Type) string {
	parts := strings.Split(t.PkgPath(), "/")
	return strings.Join(parts[len(parts)-2:], "/") + "." + t.Name()
}

// collect adds a message type and those it refers to.
func collect(t reflect.Type, found map[string]string) {
	if _, known := found[name(t)]; known {
		return
	}
	found[name(t)] = ""
	var lines strings.Builder
	if t.Kind() == reflect.Slice {
		// A named list is a message with one field, whose JSON form is the list alone.
		fmt.Fprintf(&lines, "    items: 1 list inline %s\n", typeOf(t.Elem(), found))
	}
	for i := 0; t.Kind() == reflect.Struct && i < t.NumField(); i++ {
		lines.WriteString(field(t.Field(i), found))
	}
	found[name(t)] = lines.String()
}

func field(f reflect.StructField, found map[string]string) string {
	tag := f.Tag.Get("protobuf")
	if tag == "" || tag == "-" {
		return ""
	}
	key, flags, _ := strings.Cut(f.Tag.Get("json"), ",")
	t, words := f.Type, []string{strings.Split(tag, ",")[1]}
	if key == "" {
		// Embedded: the name is only for readers of the table.
		words, key = append(words, "inline"), f.Name
	}
	keep := !strings.Contains(flags, "omitempty")
	if t.Kind() == reflect.Pointer {
		t, keep = t.Elem(), true
	}
	switch {
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 && !isMessage(t):
		words, t, keep = append(words, "list"), t.Elem(), false
	case t.Kind() == reflect.Map:
		if t.Key().Kind() != reflect.String {
			log.Fatalf("%s is a map with keys that are not strings", f.Name)
		}
		words, t, keep = append(words, "map"), t.Elem(), false
	}
	words = append(words, typeOf(t, found))
	if scalar := t.Kind() != reflect.Struct && !isMessage(t); scalar && keep {
		words = append(words, "keep")
	}
	return fmt.Sprintf("    %s: %s\n", key, strings.Join(words, " "))
}

// isMessage tells lists that are message types of their own from plain ones.
func isMessage(t reflect.Type) bool {
	_, marshals := reflect.PointerTo(t).MethodByName("MarshalToSizedBuffer")
	return t.Kind() == reflect.Slice && t.Name() != "" && marshals
}

func typeOf(t reflect.Type, found map[string]string) string {
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int32, reflect.Int64:
		return "int"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		if isMessage(t) {
			collect(t, found)
			return name(t)
		}
	case reflect.Struct:
		if leaf, known := leaves[name(t)]; known {
			return leaf
		}
		collect(t, found)
		return name(t)
	}
	log.Fatalf("no rule for %s", t)
	return ""
}
