package main

import (
	"encoding/base64"
	"encoding/json"
	"log"
	"strings"
	"text/template"
)

// functions are those of Krateo's patch-provider up to 0.1.3.
var functions = template.FuncMap{
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

// render runs a pipeline: a list of commands, or just one.
func render(row *row, input any) {
	var commands []string
	if err := json.Unmarshal(row.Case, &commands); err != nil {
		commands = []string{""}
		if err := json.Unmarshal(row.Case, &commands[0]); err != nil {
			log.Fatalf("%s: %v", row.Case, err)
		}
	}
	source := "{{ " + strings.Join(commands, " | ") + " }}"
	parsed, err := template.New("patch").Funcs(functions).Parse(source)
	if err != nil {
		row.Refused = text(err)
		return
	}
	var out strings.Builder
	if err := parsed.Execute(&out, input); err != nil {
		row.Failure = text(err)
		return
	}
	row.Output = encode(out.String())
}
