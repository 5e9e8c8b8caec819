package main

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"text/template"
)

var templateInputs = map[string]json.RawMessage{
	"sample": json.RawMessage(`{"value1":"Foo1","value2":"Foo2","n":3,"neg":-7,"zero":0,"big":9007199254740993,` +
		`"f":2.5,"half":0.5,"e6":1234567.5,"e20":1.5e20,"e21":1.5e21,"e25":3e25,"em5":0.00001234,"third":0.3333333333333333,` +
		`"t":true,"no":false,"empty":"","null":null,"l":["a","b"],"nums":[1,2,3],"mixed":["a",1,2.5,true,null,{"k":"v"}],` +
		`"m":{"b":2,"a":"x"},"html":"<a href='x'>\"&\"</a>","uni":"héllo ☃","sep":"a\u2028b\u2029c","tab":"a\tb\n","quote":"say \"hi\"",` +
		`"b64":"Rm9vMQ==","query":"a b&c=d/é","emptyl":[],"emptym":{},"nested":{"x":{"y":"deep"}}}`),
	"text":   json.RawMessage(`"Foo"`),
	"number": json.RawMessage(`42`),
	"float":  json.RawMessage(`4.25`),
	"list":   json.RawMessage(`["x","y"]`),
	"bool":   json.RawMessage(`true`),
}

type templateCase struct {
	input      string
	transforms []string
}

func on(input string, transforms ...string) templateCase { return templateCase{input, transforms} }

func each(input string, transforms ...string) []templateCase {
	var cases []templateCase
	for _, t := range transforms {
		cases = append(cases, on(input, t))
	}
	return cases
}

func templateCases() []templateCase {
	cases := []templateCase{
		on("sample", "b64enc .value1", `printf "prefix-%s"`),
		on("text", "b64enc .", `printf "prefix-%s"`),
		on("sample", "b64enc .value1", `printf "%s-%s" .value2`),
		on("sample", ".value1", "b64enc", "b64dec", `printf "%q"`),
		on("sample", ".l", "toJson", "b64enc"),
		on("sample", ".nums", "len", `printf "%03d"`),
		on("sample", ".n", `printf "%d items"`),
		on("sample", ".value1", "html", "print"),
		on("sample", ".value1", ".value2"),
		on("sample", ".value1", "len"),
		on("sample", "if .value1 }}yes{{ end"),
		on("sample", "range .l }}[{{ . }}]{{ end"),
		on("sample", "range $i, $v := .nums }}{{ $i }}={{ $v }};{{ end"),
		on("sample", "range $k, $v := .m }}{{ $k }}={{ $v }};{{ end"),
		on("sample", "with .nested }}{{ .x.y }}{{ end"),
		on("sample", "$x := .n }}{{ $x }}-{{ $x"),
		on("sample", `define "t" }}<{{ . }}>{{ end }}{{ template "t" .n`),
		on("sample", "range .emptyl }}x{{ else }}none{{ end"),
		on("sample", "if .t }}{{ .f }}{{ end"),
		on("sample", "if false }}{{ upper .value1 }}{{ end"),
		on("sample", "/* comment */"),
		on("sample", ".value1 -}}   trimmed{{ .value2"),
		on("text", "."), on("number", "."), on("float", "."), on("list", "."), on("bool", "."),
		on("text", ".value1"), on("number", ".x"), on("list", "index . 1"), on("list", "len ."),
		on("text", `printf "%s/%s" . .`), on("number", `printf "%5d|%-5d|%05d|%+d" . . . .`),
	}
	// Plain output.
	cases = append(cases, each("sample", ".missing", ".missing.deeper", ".null", ".null.x", ".value1.x", ".nested.x.z", ".nested.q.z", ".n", ".neg",
		".big", ".f", ".half", ".e6", ".e20", ".e21", ".e25", ".em5", ".third", ".t", ".no", ".empty", ".l", ".nums", ".mixed", ".m",
		".emptyl", ".emptym", ".html", ".uni", "1.0", "1e3", "1e21", "0x10", "1_000", "'a'", `"lit"`, "true", "nil", "$.value1", "(.value1)", "(.nested.x).y", "1e400", "08", "3000000000000000000000")...)
	// Functions of the provider.
	cases = append(cases, each("sample", "toJson .", "toJson .html", "toJson .sep", "toJson .f", "toJson .e21", "toJson .e20", "toJson .em5", "toJson .null", "toJson .missing",
		"toJson .uni", "toJson .mixed", "toJson .tab", "toJson .big", "toJson .l | printf \"%s\"", "b64enc .n", "b64enc .missing", "b64enc .null", "b64enc", "b64enc .value1 .value2", "b64enc .uni", "b64enc .empty",
		"b64dec .b64", "b64dec .value1", `b64dec "Zm9v\nMQ=="`, `b64dec "Zm9vMQ"`, `b64dec "Zm9 vMQ=="`, `b64dec "Zm9vMR=="`, "b64dec .n", "upper .value1", "toJson")...)
	// print and its sisters.
	cases = append(cases, each("sample", "print .value1 .value2", "print .n .neg", "print .value1 .n", "print .n .value1", "print .n .f .t", "print .missing", "print .null .null", "print", "print .l .m",
		"println .value1 .n", "println", "println .missing", "print .f .e6 .e21", "print .em5", "println .mixed")...)
	// printf: verbs.
	cases = append(cases, each("sample", `printf "%d" .n`, `printf "%d" .value1`, `printf "%d" .f`, `printf "%d" .t`, `printf "%d" .missing`, `printf "%d" .l`, `printf "%d" .mixed`, `printf "%d" .m`,
		`printf "%s" .n`, `printf "%s" .f`, `printf "%s" .t`, `printf "%s" .null`, `printf "%s" .l`, `printf "%s" .nums`, `printf "%s" .m`, `printf "%s" .mixed`,
		`printf "%v" .n`, `printf "%v" .f`, `printf "%v" .e6`, `printf "%v" .e20`, `printf "%v" .e21`, `printf "%v" .em5`, `printf "%v" .l`, `printf "%v" .m`, `printf "%v" .mixed`, `printf "%v" .missing`,
		`printf "%+v" .m`, `printf "%+v" .n`, `printf "%#v" .value1`, `printf "%#v" .n`, `printf "%#v" .f`, `printf "%#v" .e21`, `printf "%#v" .l`, `printf "%#v" .m`, `printf "%#v" .mixed`, `printf "%#v" .null`,
		`printf "%T" .value1`, `printf "%T" .n`, `printf "%T" .f`, `printf "%T" .l`, `printf "%T" .m`, `printf "%T" .t`, `printf "%T" .null`,
		`printf "%q" .value1`, `printf "%q" .quote`, `printf "%q" .uni`, `printf "%+q" .uni`, `printf "%#q" .value1`, `printf "%q" .l`, `printf "%q" .tab`, `printf "%q" .sep`, `printf "%q" 65`, `printf "%q" .f`,
		`printf "%x" .value1`, `printf "%X" .uni`, `printf "% x" .value1`, `printf "%#x" .value1`, `printf "%x" .neg`, `printf "%#X" 255`, `printf "%x" .l`, `printf "%x" .f`, `printf "%x" .t`,
		`printf "%t" .t`, `printf "%t" .n`, `printf "%t" .value1`, `printf "%b" 5`, `printf "%o" 8`, `printf "%#o" 8`, `printf "%O" 8`, `printf "%c" 9731`, `printf "%U" 9731`, `printf "%#U" 9731`,
		`printf "%f" .f`, `printf "%.2f" .third`, `printf "%8.3f|" .f`, `printf "%-8.3f|" .f`, `printf "%08.3f" .f`, `printf "%+.1f" .f`, `printf "%f" .n`, `printf "%f" .value1`, `printf "%F" .f`,
		`printf "%e" .e6`, `printf "%.3e" .third`, `printf "%E" .e21`, `printf "%g" .f`, `printf "%g" .e6`, `printf "%g" .e20`, `printf "%g" .e21`, `printf "%.3g" .third`, `printf "%.3g" .e6`, `printf "%G" .em5`, `printf "%#g" .f`, `printf "%b" .f`)...)
	// printf: flags, width, precision, argument numbers and mistakes.
	cases = append(cases, each("sample", `printf "%5s|%-5s|" "ab" "cd"`, `printf "%.2s" .value1`, `printf "%7.2s|" .value1`, `printf "%-7.2s|" .value1`, `printf "%05s" "ab"`, `printf "%5s" "é"`, `printf "%.1s" .uni`, `printf "%10q" "a"`,
		`printf "%*d" 5 3`, `printf "%-*d|" 5 3`, `printf "%.*f" 2 .third`, `printf "%*d" .value1 3`, `printf "%[2]s %[1]s" "a" "b"`, `printf "%[3]d" 1 2`, `printf "%[x]d" 1`, `printf "%[1]d %d" 1 2`,
		`printf "%"`, `printf "100%"`, `printf "%%"`, `printf "%5%"`, `printf "%z" 3`, `printf "%!" 3`, `printf "%s"`, `printf "%s %s" .value1`, `printf "%s" .value1 .value2`, `printf "%d %d" 1`, `printf "x" 1 "y" .f .null`,
		`printf "%+d" 5`, `printf "% d" 5`, `printf "% d" .neg`, `printf "%06d" .neg`, `printf "%-06d|" .neg`, `printf "%x" 255`, `printf "%.5d" 42`, `printf "%8.5d|" 42`, `printf "%.0d" 0`, `printf "%+08d" 42`,
		`printf "%6.2f%%" 12.345`, `printf "%v %v" .t .no`, `printf "%5t|" .t`, `printf "%-7v|%7v|" .l .t`, `printf "%5v" .nums`, `printf "%03d" .nums`, `printf "%w" .value1`, `printf "%p" .value1`, `printf "%s" nil`, `printf "%v" nil`, `printf .n`, `printf`,
		`printf "%s" (printf "%d" 3)`, `printf "%6.3v|" .f`, `printf "%+v" .f`, `printf "%+q" "a"`, `printf "%x" "hello"`, `printf "%X" "hello"`, `printf "é%sü" "x"`)...)
	// Comparison, logic, data.
	cases = append(cases, each("sample", "eq .n 3", "eq .n .f", "eq .f 2.5", "eq .f 2", "eq .value1 \"Foo1\"", "eq .value1 .n", "eq .n 1 2 3", "eq .n 3 .value1", "eq .l .l", "eq .missing nil", "eq .null nil", "ne .n 4", "ne .value1 .value2",
		"lt .n 4", "lt .n 3.5", "lt .f 3.5", "le .n 3", "gt .value2 .value1", "ge .f .n", "lt .t .no", "eq .t true", "eq .missing .null", "eq", "eq .n",
		"and .t .n", "and .no .n", "or .empty .value1", "or .empty .zero", "not .n", "not .empty", "not .emptyl", "and", "not",
		"len .value1", "len .uni", "len .l", "len .m", "len .n", "len .missing", "index .l 0", "index .l 2", "index .l -1", "index .m \"a\"", "index .m \"z\"", "index .nested \"x\" \"y\"", "index .mixed 5 \"k\"", "index .value1 0", "index .n 0", "index .missing 0", "index .l \"a\"", "index .m 1", "index .l", "index .l 1.0",
		"slice .value1 1 3", "slice .value1 1", "slice .l 0 1", "slice .l 1", "slice .value1 2 1", "slice .value1 0 9", "slice .n 1", "slice .l 0 1 2", "slice .m 0")...)
	// Escapers.
	cases = append(cases, each("sample", "html .html", "html .n", "html .html .n", "html .value1 .value2", "html .missing", "html .null", "html .l", "html .f .e21", "html", "js .html", "js .uni", "js .tab", "js .sep", "js .quote", "js .n .n", "js `a=b`",
		"urlquery .query", "urlquery .query .n", "urlquery .missing", "urlquery .uni", "urlquery .l", "call .value1", "call", "html .mixed")...)
	// Syntax, control structures and literals.
	cases = append(cases, each("sample", "if .value1", "range .l }}x", "with .m", `define "t"`, "end", "else", "if .t }}a{{ else }}b{{ end", "if .no }}a{{ else if .t }}b{{ end", "if .t }}a{{ end }}{{ end", "with .missing }}a{{ else }}b{{ end", "range $i, $e := .l }}{{ if $i }},{{ end }}{{ $e }}{{ end",
		"range 3 }}x{{ end", "range .n }}x{{ end", "range .value1 }}x{{ end", "range .f }}x{{ end", "range .l }}{{ break }}{{ end", "range .l }}{{ continue }}x{{ end", "break", "range .mixed }}{{ . }};{{ end", "range .mixed }}{{ .k }};{{ end", "if .t }}{{ \"}} {{ end\" }}{{ end", "if .t }}{{/* {{ if */}}a{{ end", "if .t }}`{{ end", "if eq .n '3' }}a{{ end", "if .t }}{{- with .m -}} b {{- end -}}{{ end", "ifx", "end1", "if.t }}a{{ end", "if(.t) }}a{{ end", "else if .t", "if .t }}a{{ else }}b{{ else }}c{{ end", "range .missing }}x{{ else }}none{{ end", "range .null }}x{{ else }}none{{ end",
		"$x := 1 }}{{ $x = 2 }}{{ $x", "$undefined", "$", "$.nested.x.y", "$.null.x", "$x := .nested }}{{ $x.x.y", "$x := .null }}{{ $x.y", "$x := .missing }}{{ $x.y", `template "none" .`, `define "r" }}{{ . }}{{ end }}{{ template "r" .m.b`, `block "b" .n }}<{{ . }}>{{ end`,
		"0b11", "0o17", "017", ".5", "1.", "1e-3", "100000.0", "1000000.0", "1e6", "-3", "+3", "1i", `'\n'`, "''", `"a\tb"`, "`raw\\n`", `"open`, "1.5 2", ".n .f", "(.n)", "(printf \"%d\" .n)", "(.l) | len", "len (.l)", "print (len .l) (index .l 0)", "print 1.5", "print 100000.0 1e6 1e-5", "print -1 +2", "not true", "not nil", "not", "true | not", "eq 1.0 1", "eq 1 1.0", "eq 1.0 1.0", "eq \"a\" \"a\" \"b\"", "ne 1 2 3",
		".value1 | printf \"%s-%s\" \"x\"", ".n | eq 3", ".n | lt 2", ".l | index 0", "0 | index .l", ".value1 | slice", ".value1 | slice 1", ".m.a | printf \"%5s|\"", ".nested.x.y | b64enc | b64dec", ".b64 | b64dec | b64enc", ".l | toJson | printf \"%q\"", ".m | toJson | html", ".missing | print", ".missing | toJson", ".missing | len", ".missing | printf \"%v\"", ".missing | html", ".null | printf \"%s\"", ".x", "..", ".value1.", ". value1", ".value1 .value2", "| .n", ".n |", ".n | | .n", "", "( .n", ".n )", ".l[0]", ".n + 1", ".n; .f", "@x", "{{ .n }}", ".n }} {{", ".n }}{{ /* c */ }}", ".n }}{{/* c */}}", ".n }}{{- .f -}} x", "- .n", "-.n", "printf \"%s\" \"}}\"", "and .t .missing", "or .missing .null", "or .missing .null \"x\"", "and .t (or .no .value1)", "and .no (index .l 9)", "or .t (index .l 9)", "call nil", "print nil", "nil | print", "index .nested.x \"y\" 0", "index .m .value1", "index .nums .zero", "index .nums 1.5", "slice .uni 0 1", "slice .uni 0 3", "slice .uni 0 2", "slice .nums 1 2 | toJson", "len nil", "len 3", "lt .value1 .value2", "lt .l .l", "gt 1 2", "ge 2 2", "le \"a\" \"b\"", "eq .null .null", "eq .m .m", "eq .l nil", "ne .missing nil", "eq .t \"true\"")...)
	cases = append(cases, each("sample", `printf "%s %d %v" .value1 .n .f`, `printf "%6.2f|%-8s|%08d" .f .value1 .n`, `printf "%v" .nested`, `printf "%s" .nested`, `printf "%5d" .nums`, `printf "%q" .m`, `printf "%x" .nums`, `printf "%t" .mixed`, `printf "%.1f" .mixed`, `printf "%T" .mixed`, `printf "%v" .emptyl`, `printf "%#v" .emptyl`, `printf "%#v" .emptym`, `printf "%#v" .t`, `printf "%#v" .e6`, `printf "%#v" .nested`,
		`printf "%8.3v|" .third`, `printf "%-10v|" .f`, `printf "%010v|" .f`, `printf "%+010.2f|" .f`, `printf "% .2f" .f`, `printf "%+.3e" .e25`, `printf "%10.3e|" .e25`, `printf "%g %g %g" .e6 .em5 .third`, `printf "%.10g" .third`, `printf "%G" .e25`, `printf "%#.3g" .f`, `printf "%#.0f" .f`, `printf "%#e" .f`, `printf "%.0f %.0f" .half .f`, `printf "%.20f" .third`, `printf "%x %X" .f .half`, `printf "%b" .half`, `printf "%f" .e21`, `printf "%d" .e21`, `printf "%s" .big`, `printf "%d" .big`, `printf "%x" .big`, `printf "%o %#o %O" .n .n .n`, `printf "%b %#b" .n .n`, `printf "%c%c" 72 105`, `printf "%c" -1`, `printf "%U %#U" .n 9731`, `printf "%q" 10`, `printf "%q" 39`, `printf "%+q" 9731`, `printf "%#q" .quote`, `printf "%#q" .tab`, `printf "%+q" .sep`, `printf "%q" .empty`, `printf "%.3q" .value1`, `printf "%.2x" .value1`, `printf "% X" .value1`, `printf "%# x" .value1`, `printf "%20x|" .value1`, `printf "%-20x|" .value1`, `printf "%x" .empty`, `printf "%3c|" 65`, `printf "%-3c|" 65`, `printf "%03c|" 65`, `printf "%10T|" .n`, `printf "%-10T|" .f`,
		`printf "%5v|%-5v|" .t .no`, `printf "%5v|" .null`, `printf "%5s|" .null`, `printf "%10d|" .value1`, `printf "%-10.3d|" 5`, `printf "%+.3d" 5`, `printf "%+x" 255`, `printf "%#x %#X" 0 255`, `printf "%08b" 5`, `printf "%[1]d %[1]x %[1]o" 255`, `printf "%[2]*[1]d|" 5 8`, `printf "%[2]d" 1 2`, `printf "%[0]d" 1`, `printf "%[1]" 1`, `printf "%[1" 1`, `printf "%[]d" 1`, `printf "%.[2]*[1]f" .third 3`, `printf "%.*d" -1 5`, `printf "%*d" -5 3`, `printf "%.3" 1`, `printf "%.f" .f`, `printf "%6.f|" .f`, `printf "%-" 1`, `printf "%d%%" 50`, `printf "% d|% d" 5 .neg`, `printf "%é" 1`, `printf "%\n" 1`, `printf "%v%v" "a" "b"`, `printf "%v %v" .l .m`, `printf "%s" (print .n .f)`, `printf "no verbs"`, `printf ""`, `printf "" 1`, `printf "%s\n" .value1`, `printf .value1`, `printf "%+v" .mixed`, `printf "%#v" 5`, `printf "%#v" "a\"b"`, `printf "%v" (len .l)`, `printf "%T" (eq 1 1)`, `printf "%d items in %s" (len .nums) .value1`)...)
	return cases
}

func templateVectors() vectors {
	functions := template.FuncMap{
		"b64enc": func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) },
		"b64dec": func(text string) (string, error) {
			plain, err := base64.StdEncoding.DecodeString(text)
			return string(plain), err
		},
		"toJson": func(value any) (string, error) {
			text, err := json.Marshal(value)
			return string(text), err
		},
	}
	out := vectors{Inputs: templateInputs}
	for _, c := range templateCases() {
		answer := row{Input: c.input, Transforms: c.transforms}
		source := "{{ " + strings.Join(c.transforms, " | ") + " }}"
		parsed, err := template.New("patch").Funcs(functions).Parse(source)
		if err == nil {
			var text strings.Builder
			if err = parsed.Execute(&text, decode(string(templateInputs[c.input]))); err == nil {
				answer.Output = raw(text.String())
			}
		}
		if err != nil {
			answer.Error = err.Error()
		}
		out.Cases = append(out.Cases, answer)
	}
	return out
}
