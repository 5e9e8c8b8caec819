package main

import (
	"context"
	"encoding/json"
	"log"
	"time"

	"github.com/itchyny/gojq"
)

// run gives the first result of an expression; no result is the empty string.
func run(row *row, input any) {
	var expression string
	if err := json.Unmarshal(row.Case, &expression); err != nil {
		log.Fatalf("%s: %v", row.Case, err)
	}
	query, err := gojq.Parse(expression)
	if err != nil {
		row.Refused = text(err)
		return
	}
	code, err := gojq.Compile(query)
	if err != nil {
		row.Refused = text(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	value, ok := code.RunWithContext(ctx, withInts(input)).Next()
	if !ok {
		value = ""
	}
	if err, ok := value.(error); ok {
		row.Failure = caught(err)
		return
	}
	if row.Output, err = gojq.Marshal(value); err != nil {
		log.Fatalf("%s: %v", expression, err)
	}
}

// caught is what the error would be in a catch: its message, or the value given to error, as text.
func caught(err error) *string {
	valued, ok := err.(gojq.ValueError)
	if !ok {
		return text(err)
	}
	if text, ok := valued.Value().(string); ok {
		return &text
	}
	bytes, err := gojq.Marshal(valued.Value())
	if err != nil {
		log.Fatal(err)
	}
	text := string(bytes)
	return &text
}

// withInts turns int64 into int, which is what gojq computes with.
func withInts(value any) any {
	switch value := value.(type) {
	case int64:
		return int(value)
	case []any:
		for i := range value {
			value[i] = withInts(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = withInts(value[key])
		}
	}
	return value
}
