package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"log"
	"strings"
)

//go:embed cases/*.json
var files embed.FS

// table is a file of cases: named inputs, and groups of transforms that run over one of them.
type table struct {
	Inputs map[string]json.RawMessage `json:"inputs"`
	Groups []struct {
		About string            `json:"about"`
		Input string            `json:"input"`
		Cases []json.RawMessage `json:"cases"`
	} `json:"groups"`
}

// row is one case with its answer: exactly one of Output, Failure and Refused is set.
type row struct {
	Input string          `json:"input"`
	Case  json.RawMessage `json:"case"`
	// Output is the value of the target field.
	Output json.RawMessage `json:"output,omitempty"`
	// Failure is what went wrong while it ran.
	Failure *string `json:"failure,omitempty"`
	// Refused is what is wrong with the transform itself.
	Refused *string `json:"refused,omitempty"`
}

// answer fills in the answer to one case over one input.
type answer func(row *row, input any)

func readCases(name string) table {
	text, err := files.ReadFile("cases/" + name)
	if err != nil {
		log.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var cases table
	if err := decoder.Decode(&cases); err != nil {
		log.Fatalf("cases/%s: %v", name, err)
	}
	return cases
}

// answers is a JSON document with one line per case.
func answers(cases table, answer answer) []byte {
	var out bytes.Buffer
	out.WriteString("{\n\"inputs\": ")
	out.Write(encode(cases.Inputs))
	out.WriteString(",\n\"rows\": [")
	separator := "\n"
	for _, group := range cases.Groups {
		input, found := cases.Inputs[group.Input]
		if !found {
			log.Fatalf("%s: there is no input %q", group.About, group.Input)
		}
		for _, each := range group.Cases {
			row := row{Input: group.Input, Case: each}
			answer(&row, decode(string(input)))
			out.WriteString(separator)
			out.Write(encode(row))
			separator = ",\n"
		}
	}
	out.WriteString("\n]\n}\n")
	return out.Bytes()
}

// encode leaves the characters alone that encoding/json would escape for HTML.
func encode(value any) json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		log.Fatal(err)
	}
	return bytes.TrimSpace(out.Bytes())
}

// decode reads JSON the way Kubernetes' unstructured objects do: integral numbers are int64, all others float64.
func decode(text string) any {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		log.Fatalf("input %s: %v", text, err)
	}
	return withNumbers(value, func(number json.Number) any {
		if integer, err := number.Int64(); err == nil {
			return integer
		}
		float, err := number.Float64()
		if err != nil {
			log.Fatal(err)
		}
		return float
	})
}

// withNumbers replaces every number in a decoded document.
func withNumbers(value any, number func(json.Number) any) any {
	switch value := value.(type) {
	case json.Number:
		return number(value)
	case []any:
		for i := range value {
			value[i] = withNumbers(value[i], number)
		}
	case map[string]any:
		for key := range value {
			value[key] = withNumbers(value[key], number)
		}
	}
	return value
}

func text(err error) *string {
	text := err.Error()
	return &text
}
