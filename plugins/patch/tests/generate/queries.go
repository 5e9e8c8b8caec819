package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/itchyny/gojq"
)

var queryInputs = map[string]json.RawMessage{
	"sample": json.RawMessage(`{"value1":"Foo1","value2":"Foo2","replicas":"3","n":3,"f":2.5,"big":9007199254740993,"neg":-2,"t":true,"null":null,` +
		`"l":["b","a","c"],"nums":[3,1,2],"mixed":[null,true,1,"a",[1],{"k":1}],"m":{"b":2,"a":1},"list":[{"name":"x","v":1},{"name":"y","v":2}],` +
		`"html":"<a href='x'>\"&\"</a>","uni":"héllo ☃","query":"a b&c=d/é","csv":["a",1,"q\"x",null,true],"date":"2024-02-29T12:30:00Z","json":"{\"z\":1,\"a\":[1.0,2]}"}`),
	"text":   json.RawMessage(`"Foo,Bar,Baz"`),
	"number": json.RawMessage(`42`),
	"list":   json.RawMessage(`[3,1,2]`),
}

// Only the expression between "${" and "}".
func queries() map[string][]string {
	return map[string][]string{
		"sample": {
			`.value2 | @base64`, `"prefix-" + (.value1|@base64)`, `.replicas | tonumber`, `.n`, `.f`, `.big`, `.big + 1`, `.missing`, `.null`, `empty`, ``, ` `, `.`, `.m`, `.l[0]`, `.l[-1]`, `.l[9]`, `.l[1:]`, `.l[:-1]`, `.value1[1:3]`,
			`.value1[0]`, `.n + .f`, `.n * 2`, `.n / 2`, `4 / 2`, `7 % 3`, `-7 % 3`, `5 % 0`, `1 / 0`, `.n - 10`, `1e3`, `1.0`, `1.5e300 * 1e10`, `100000000000000000000`, `100000000000000000000 + 1`, `1e21`, `123456789012345680000.0`, `0.1 + 0.2`, `1e-7`, `3.0`, `3.0 | tostring`, `1e1000`, `-1e1000`, `nan`, `[nan]|sort`, `[nan, 1]|min`, `infinite`,
			`keys`, `.m | keys`, `.m | to_entries`, `.m | with_entries(.value += 1)`, `[.m[]]`, `{b:1,a:2}`, `{b:1,a:2} | tojson`, `{b:1,a:2} | keys_unsorted`, `[{b:1,a:2}[]]`, `{b:1} + {a:2} | tojson`, `{b:{d:1,c:2}} * {a:1,b:{a:0}} | tostring`, `"\({b:1,a:2})"`, `{z:1} | .a = 2 | tojson`, `{z:1} | to_entries`, `reduce ("c","a","b") as $k ({}; .[$k] = 1) | tojson`,
			`.list | map(.name)`, `[.list[] | select(.v > 1) | .name]`, `.list | map({(.name): .v}) | add`, `.list | from_entries`, `[{name:"a",value:1}] | from_entries`, `[{key:"a",value:1}] | from_entries`, `[{k:"a",v:1}] | from_entries`, `[{key:1,value:1}] | from_entries`, `[{key:"a"}] | from_entries`, `.nums | sort`, `.nums | add`, `.nums | max`, `.nums | min`, `.nums | length`, `.mixed | sort`, `.mixed | map(type)`, `.list | sort_by(-.v) | .[0].name`, `.list | group_by(.v) | length`, `.l | unique`, `.list | min_by(.v)`, `[.nums[] | . * .] | add`,
			`.l | join(",")`, `.mixed[0:4] | join("-")`, `[1,null,"a"] | join(",")`, `[] | join(",")`, `[[1]] | join(",")`, `.value1 | test("foo"; "i")`, `.value1 | test("oo")`, `.value1 | sub("o+"; "0")`, `.value1 | gsub("o"; "0")`, `.value1 | gsub("(?<x>[a-z])"; "\(.x)-")`, `.value1 | match("o") | .offset`, `.value1 | capture("(?<w>[a-z]+)(?<d>[0-9])")`, `[.value1 | scan("o")]`, `.uni | test("\\p{So}")`, `.value1 | test("FOO"; "x")`, `.value1 | test(["foo","i"])`, `.value1 | test("F.O"; "s")`, `.value1 | split("o")`, `"" | split(",")`, `"a,b" | split(",";"g")`, `"a, b,c" | [splits(", *")]`, `"abc" | split("")`, `.value1 | ascii_upcase`, `.value1 | ascii_downcase`, `.value1 | length`, `.uni | length`, `.uni | utf8bytelength`, `.uni | explode`, `[65,66] | implode`, `.value1 | ltrimstr("Foo")`, `.value1 | rtrimstr("1")`, `.n | ltrimstr("a")`, `.value1 | ltrimstr(1)`, `" a " | trim`, `" a " | ltrim`, `.value1 | startswith("Foo")`, `.value1 | endswith("1")`, `.n | startswith("a")`, `.value1 | contains("oo")`, `.m | contains({a:1})`, `.l | index("a")`, `"a,b,a" | indices("a")`, `"a,b,a" | rindex("a")`, `.l | inside(["a","b","c","d"])`, `.m | has("a")`, `.l | has(5)`, `"a" * 3`, `"a" * 0`, `"a,b" / ","`, `.value1 | ascii`, `"x" | tojson`,
			`tojson`, `.m | tostring`, `.json | fromjson`, `"1.0" | fromjson`, `"nan" | fromjson`, `"[1" | fromjson`, `"1 2" | fromjson`, `"" | fromjson`, `"3.5" | tonumber`, `" 3" | tonumber`, `"0x10" | tonumber`, `"nan" | tonumber`, `"abc" | tonumber`, `"1e3" | tonumber`, `"01" | tonumber`, `.n | tonumber`, `.l | tonumber`, `"12345678901234567890" | tonumber`, `.n | tostring`, `.f | tostring`, `1e3 | tostring`, `[1.0,1e3,1e21,1.5]|tojson`,
			`@text "a\(.n)"`, `.html | @html`, `.query | @uri`, `@uri "q=\(.query)"`, `"a%20b" | @urid`, `.csv | @csv`, `.csv | @tsv`, `.l | @sh`, `.value1 | @sh`, `.m | @json`, `.value1 | @base64 | @base64d`, `"Zm9vMQ" | @base64d`, `"!!" | @base64d`, `.m | @base64`, `.l | @csv`, `.csv | @json`, `"x" | format("base64")`, `.n | format("text")`, `"x" | format("nope")`,
			`.date | fromdate`, `1709209800 | todate`, `1709209800 | strftime("%Y-%m-%d")`, `.date | strptime("%Y-%m-%dT%H:%M:%SZ")`, `.date | strptime("%Y-%m-%dT%H:%M:%SZ") | mktime`, `1709209800 | gmtime`, `1709209800.5 | todate`, `.date | fromdateiso8601`,
			`if .t then "yes" else "no" end`, `if .null then 1 end`, `.null // "default"`, `.missing.deeper`, `.value1.x`, `.value1.x?`, `try error("boom") catch .`, `error("boom")`, `error(null)`, `1, error("late")`, `error("early"), 1`, `.l[]`, `first(.l[])`, `last(.l[])`, `nth(1; .l[])`, `limit(2; .l[])`, `[limit(2; .l[])]`, `[.l[] | ascii_upcase]`, `reduce .nums[] as $x (0; . + $x)`, `[foreach .nums[] as $x (0; . + $x)]`, `label $out | 1, break $out`, `. as {m: {$a, $b}} | $a + $b`, `. as [$a] ?// {n: $a} | $a`, `def double(x): x * 2; double(.n)`, `[range(3)]`, `[range(0;10;3)]`, `[range(3;0;-1)]`, `until(. == 5; 5)`, `[.n | while(. > 0; . - 1)]`, `[recurse(if type == "object" then .m else empty end) | type]`, `[.m | ..]`, `.m | paths`, `[.m | paths]`, `.m | [leaf_paths]`, `path(.m.a)`, `[paths(type == "number")]`, `getpath(["m","a"])`, `.m | setpath(["c"]; 3)`, `del(.l[0]) | .l`, `.m | del(.a)`, `delpaths([["m","a"]]) | .m`, `.m | to_entries | from_entries`, `.m | map_values(. + 1)`, `.m | map(. + 1)`, `.m | add`, `[.l, .nums] | transpose`, `[[1,2],[3]] | flatten`, `[1,[2,[3]]] | flatten(1)`, `.nums | reverse`, `"abc" | reverse`, `null | reverse`, `.nums | any(. > 2)`, `.nums | all(. > 2)`, `[true,false] | any`, `.nums | IN(3)`, `.n | IN(1,3)`, `INDEX(.list[]; .name) | .x.v`, `[.nums | combinations(2)] | length`, `[[1,2],[3,4]] | [combinations]`, `.nums | walk(if type == "number" then . + 1 else . end)`, `.nums | .[1] = 9`, `.nums | .[5] = 9`, `.nums | .[0] |= empty`, `.m | .a += 5`, `.m | .a |= . + 1`, `.m | .c //= 7`, `.n as $x | [$x, $x + 1]`, `input`, `inputs`, `halt`, `halt_error`, `env`, `$ENV`, `env.PATH`, `now | type`, `debug`, `stderr`, `input_filename`, `$__loc__`, `builtins | length > 10`, `splits("a")`, `ltrimstr("a")`, `getpath(["a","b","c"])`, `tojson | fromjson == .`, `.m == {a:1,b:2}`, `1 == 1.0`, `[1,2] < [1,3]`, `{} < []`, `null < false`, `.n | floor`, `.f | floor`, `.f | round`, `.f | ceil`, `2.5 | sqrt`, `pow(2;10)`, `10 | log10`, `-5 | abs`, `.f | fabs`, `[1.5,2.5] | map(trunc)`, `.n | significand`, `"é" | @uri`, `[.[] | numbers]`, `[.[] | strings] | length`, `isvalid(.n)`, `.nums | toarray`, `have_literal_numbers`, `getpath(["m"]) | pick(.a)`, `.list | pick(.[0].name)`, `[.nums[] as $x | .l[] as $y | "\($x)\($y)"] | length`, `"\(1,2)-\(3,4)"`, `["\(1,2)-\(3,4)"]`, `ascii(65)`, `@base32 "x"`, `.value1 | @base32`, `"a" as $x | "b" as $y | $x + $y`, `.[] as $v | $v`, `.n | tojson | tojson`, `(.n,.f) | tostring`, `.m | tostream`, `[.m | tostream] | length`, `fromstream([.m | tostream][])`, `[1,[2]] | getpath([1,0])`, `limit(0; 1)`, `isempty(empty)`, `[skip(1; .l[])]`, `error`, `try error catch type`, `.a.b.c`, `.["value1"]`, `."value1"`, `.m["a","b"]`, `..|numbers`, `ltrimstr`, `foo`, `.n +`, `}`, `{`, `"unterminated`, `.value1 # comment`, "\n.value1\n", `"a" + 1`, `{} + 1`, `[] - [1]`, `[1,2,1] - [1]`, `null + 1`, `{a:1} * {b:2}`, `.t and false`, `.t or error`, `not`, `[.nums[] | select(. != 1)]`, `splits`, `$x`, `import "a" as a; 1`, `tojson | length > 5`, `[.l[] | {name: .}]`, `{(.value1): .n}`, `{n, f}`, `{"a b": 1}."a b"`, `{$__loc__}`, `.l | first`, `.l | last`, `.l | nth(1)`, `[] | first`, `.nums | bsearch(1)`, `[1,2,3] | bsearch(2)`, `min_by(.n)?`, `[.list[] | .v] | @json`, `ascii_downcase`, `"test" | ltrimstr("te") | rtrimstr("t")`, `"a\u0000b" | length`, `"\u00e9"`, `[.l[] | length] | add`, `.list[] |= .v | .list`, `.list | map(select(.name == "y"))[0].v`, `splits(1)`, `@json "v=\(.m)"`, `@sh "echo \(.value1)"`, `@csv "\(.l)"`, `@base64 "x\(.value1)"`, `tojson | @base64 | length > 0`, `gsub("a";"b")`, `"aaa" | sub("a"; "b"; "g")`, `"abc" | gsub("";"-")`, `"abc" | gsub("^";"-")`, `"test" | [match("t"; "g").offset]`, `[.[] | scalars] | length`, `ltrimstr(.value1)`, `getpath(["l",0])`, `input_line_number`, `.n | @text`, `1 as $x | 2 as $y | [$x,$y,$__loc__]`, `limit(-1; 1,2)`, `[limit(-1; 1,2)]`, `.. == 1`, `[splits("a";"b";"c")]`, `.l | .[1:] = ["z"]`, `.l | del(.[0,2])`, `to_entries | length`, `.m | to_entries | map("\(.key)=\(.value)") | join(",")`, `[.l | to_entries]`, `"2015-03-05T23:51:47Z" | strptime("%Y-%m-%dT%H:%M:%SZ")`, `abs`, `.n | toarray`, `"abc" | test("B"; "gi")`, `"a\nb" | test("a.b")`, `"x" | ascii_downcase | @json`,
		},
		"text":   {`.`, `split(",")`, `split(",")[1]`, `ascii_downcase`, `@base64`, `length`, `.[0:3]`, `test("Bar")`, `[scan("[A-Z]")] | add`, `"<\(.)>"`, `tonumber`, `.a`, `.[]`, `explode | length`, `gsub("[aeiou]"; "")`, `splits(",")`},
		"number": {`.`, `. + 1`, `tostring`, `. / 4`, `. % 5`, `[., .]`, `{n: .}`, `-(.)`, `. as $n | $n * $n`, `tojson`, `@text`, `.a`, `length`, `sqrt | floor`},
		"list":   {`.`, `sort`, `.[0]`, `add / length`, `map(. * 10)`, `join(",")`, `max`, `index(1)`, `tojson`, `.[1:] | length`, `to_entries`, `map(tostring) | join("-")`, `.a`, `keys`, `contains([1])`, `unique_by(. % 2)`},
	}
}

func queryVectors() vectors {
	out := vectors{Inputs: queryInputs}
	for _, input := range []string{"sample", "text", "number", "list"} {
		for _, query := range queries()[input] {
			answer := row{Input: input, Query: &query}
			value, err := first(query, decode(string(queryInputs[input])))
			if err != nil {
				answer.Error = err.Error()
			} else {
				answer.Output = value
			}
			out.Cases = append(out.Cases, answer)
		}
	}
	return out
}

// first is the first result only; no result is the empty string.
func first(text string, input any) (*json.RawMessage, error) {
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, err
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	value, ok := code.RunWithContext(ctx, ints(input)).Next()
	if !ok {
		return raw(""), nil
	}
	if err, ok := value.(error); ok {
		return nil, err
	}
	text2, err := gojq.Marshal(value)
	if err != nil {
		return nil, err
	}
	message := json.RawMessage(text2)
	return &message, nil
}

// ints turns int64 into int, which is what gojq computes with.
func ints(value any) any {
	switch v := value.(type) {
	case int64:
		return int(v)
	case []any:
		for i := range v {
			v[i] = ints(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = ints(v[k])
		}
	}
	return value
}
