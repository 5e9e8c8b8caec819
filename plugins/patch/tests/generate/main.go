// Command generate writes the vectors that the transform tests compare with: what Go's text/template and gojq answer
// for the cases in templates.go and queries.go. Run it in this folder: go run . ../vectors
package main

import (
	"bytes"
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"strings"
)

// row is one case with its answer. Exactly one of Output and Error is set.
type row struct {
	Input      string           `json:"input"`
	Transforms []string         `json:"transforms,omitempty"`
	Query      *string          `json:"query,omitempty"`
	Output     *json.RawMessage `json:"output,omitempty"`
	Error      string           `json:"error,omitempty"`
}

type vectors struct {
	Inputs map[string]json.RawMessage `json:"inputs"`
	Cases  []row                      `json:"cases"`
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run . FOLDER")
	}
	write(filepath.Join(os.Args[1], "templates.json"), templateVectors())
	write(filepath.Join(os.Args[1], "queries.json"), queryVectors())
}

// decode reads JSON the way Kubernetes' unstructured objects do: integral numbers are int64, all others float64.
func decode(text string) any {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		log.Fatalf("input %s: %v", text, err)
	}
	return numbers(value)
}

func numbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, err := v.Float64()
		if err != nil {
			log.Fatal(err)
		}
		return f
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return value
}

func raw(value any) *json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		log.Fatal(err)
	}
	message := json.RawMessage(bytes.TrimSpace(out.Bytes()))
	return &message
}

func write(path string, v vectors) {
	var out bytes.Buffer
	out.WriteString("{\n\"inputs\": ")
	out.Write(*raw(v.Inputs))
	out.WriteString(",\n\"cases\": [\n")
	for i, c := range v.Cases {
		out.Write(*raw(c))
		if i < len(v.Cases)-1 {
			out.WriteString(",")
		}
		out.WriteString("\n")
	}
	out.WriteString("]\n}\n")
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}
