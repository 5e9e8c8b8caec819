// Command transforms writes what Go's text/template and gojq answer to the cases in cases/*.json. The patch provider's
// tests compare their own answers with these. Run it in this folder after a change to the cases: go run . answers
package main

import (
	"log"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run . FOLDER")
	}
	folder := os.Args[1]
	if err := os.MkdirAll(folder, 0o755); err != nil {
		log.Fatal(err)
	}
	for name, answer := range map[string]answer{"templates.json": render, "queries.json": run} {
		if err := os.WriteFile(filepath.Join(folder, name), answers(readCases(name), answer), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
