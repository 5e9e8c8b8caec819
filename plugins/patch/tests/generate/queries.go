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
			`nan == nan`, `nan < nan`, `[nan] == [nan]`, `"a\u2028b<&>\u007f" | tojson`, `"ab1" | match("(?<x>[a-z])(?<y>Z)?")`, `"ab1" | match("b")`, `[match("a")]`, `"ab" | capture("(?<x>a)(?<y>z)?")`, `"AA" | test("a"; "n")`, `"AA" | test("a"; "l")`, `"AA" | test("a"; "p")`, `"AA" | test("a"; "gi")`, `"AA" | test("a"; null)`, `"aXbxc" | split("x"; "i")`, `"aXbxc" | split("x"; null)`, `"aXbxc" | ascii_downcase | sub("(?<l>x)"; "<\(.l)>")`, `"abc" | sub("(?<a>.)"; .a, "-")`, `[limit(1; .l[], error)]`, `path(limit(1; .l[]))`, `[path(first(.l[]))]`, `path(getpath(["a","b"]))`, `[.l[2:1]]`, `.value1[1:]`, `.value1[-2:]`, `.l[1.7]`, `.l[:1.2]`, `"éa,b" | indices(",")`, `"aaa" | indices("aa")`, `[1,2,1,2] | indices([1,2])`, `[1,2,1] | indices(1)`, `"" | indices("")`, `.l |= sort`, `.m | has("z")`, `.l | has(-1)`, `.m | has(0)`, `null | has("a")`, `.[] |= empty | length`, `.m | .[] |= empty`, `.l | .[0] |= (.,.)`, `.l | .[-1] = "z"`, `.l | .[-9] = "z"`, `.m | .a.b = 1`, `null | .a.b = 1`, `null | .[2] = 1`, `.l | .[1:2] |= map(ascii_upcase)`, `.m | to_entries[] | .key`, `.m | with_entries(select(.value > 1))`, `.l as [$a, $b] | {a: $a, b: $b}`, `.list[] as {name: $n, v: $v} | "\($n)\($v)"`, `[.list[] | .name as $n | .v as $v | {($n): $v}] | add`, `[foreach range(5) as $i (0; . + $i; select(. % 2 == 0))]`, `[foreach .l[] as $x ({}; .[$x] = 1)] | length`, `reduce empty as $x (3; 4)`, `[.[]?]|length`, `[1[]?]`, `try (.value1 | .[]) catch "caught"`, `(.n | tostring) + "x"`, `.n | tojson`, `-(.f)`, `-.n`, `-"a"`, `[-1, -(1)]`, `0 * -1`, `1 - 1.5`, `9223372036854775807`, `9223372036854775807 + 1 | type`, `9007199254740993 * 1`, `10 / 4`, `10 / 3`, `1e2 / 10`, `5.9 % 3`, `-5.9 % 3`, `5 % -3`, `5 % 0.5`, `[limit(3; repeat(1))]`, `[limit(3; repeat(. ; 1))]`, `[recurse(if . < 3 then . + 1 else empty end; . < 3)]?`, `2 | [recurse(if . < 4 then . + 1 else empty end)]`, `[2 | recurse(. * .; . < 100)]`, `[.m | recurse]`, `splits("o")?`, `[.value1 | splits("o")]`, `.value1 | [match("o"; "g") | .offset]`, `"x,y;z" | [scan("[a-z]")]`, `"k=v" | [scan("(.)=(.)")]`, `"test" | gsub("(?<c>[ts])"; .c | ascii_upcase)`, `"a.b.c" | gsub("\\."; "/")`, `"abc" | .[1:2]`, `@json "\(.m) \(.l)"`, `@html "<\("<")>"`, `@uri "\("ü")/\("a b")"`, `[1,"a",null] | @sh`, `[[1]] | @sh`, `{} | @sh`, `[[1]] | @csv`, `1 | @csv`, `["a\tb","c\\d"] | @tsv`, `[1.5, 1e3, true] | @csv`, `"YQ" | @base64d`, `"YQ==\n" | @base64d`, `"%zz" | @urid`, `"a+b" | @urid`, `[3,1] | @text`, `[{"a":1},{"a":2}] | map(.a) | add`, `[{"a":1,"b":2},{"a":3}] | group_by(.a) | length`, `[3,1,2] | sort_by(-.)`, `["b","a"] | sort | first`, `[{"a":2},{"a":1}] | sort_by(.a) | map(.a)`, `[{"a":2,"b":1},{"a":1,"b":2}] | min_by(.b)`, `[] | min`, `[] | max_by(.a)`, `[] | add`, `{} | add`, `null | add`, `null | length`, `true | length`, `-3 | length`, `[] | first`, `[] | last`, `[1,2] | last`, `{"a":[1,2]} | tostream`, `[{"a":[1,{"b":2}]} | tostream]`, `fromstream([1,[2]] | tostream)`, `[1 | truncate_stream([[0],1],[[1,0],2],[[1,0]],[[1]])]`, `[.m | paths(. == 1)]`, `[[1,[2]] | paths]`, `[[1,[2]] | paths(type == "number")]`, `[leaf_paths]`, `{"a":{"b":1}} | [paths | join("/")]`, `delpaths([["m","a"],["l",0],["l",1]]) | [.m, .l]`, `del(.m, .l) | has("m")`, `del(.m.zzz) | .m`, `del(.[]) | length`, `del(.l[1:]) | .l`, `[1,2,3] | del(.[] | select(. == 2))`, `[1,2,3,4] | del(.[0], .[2])`, `to_entries | map(.key) | length`, `[["a",1],["b",2]] | map({(.[0]): .[1]}) | add`, `[[1,2],[3]] | add`, `["a","b"] | add`, `[{"a":1},{"b":2}] | add`, `[1,2,3] | .[1:] | add`, `[1,2,3] | any`, `[] | all`, `[] | any`, `[null,1] | all`, `all(.nums[]; . > 0)`, `any(.nums[]; . > 2)`, `isempty(.l[])`, `isempty(error)`, `[.n, .f] | map(floor)`, `1.5 | round`, `-1.5 | round`, `-1.5 | floor`, `-1.5 | ceil`, `-1.5 | trunc`, `3.7 | fabs`, `16 | sqrt`, `[8 | log2, exp2]`, `[1 | exp10, atan]`, `pow(2; 0.5)`, `[5 | ldexp(.; 2)]`, `[10 | frexp]`, `[3.5 | modf]`, `[8 | logb, significand, gamma]`, `fma(2; 3; 4)`, `fmin(1; 2)`, `drem(5; 3)`, `scalb(3; 2)`, `scalbln(3; 2)`, `nearbyint`, `2.5 | rint`, `[1,2] | implode`, `"aé" | explode | implode`, `"ABC" | ascii_downcase | explode | map(. - 32) | implode`, `tojson | test("value1")`, `[range(5; 0; -2)]`, `[range(0; 1; 0.3)]`, `[range(3; 1)]`, `[range(1, 2; 3)]`, `[1,2] | contains([3])`, `"foobar" | contains("bar")`, `{"a":[1,2]} | contains({"a":[1]})`, `1 | contains("a")`, `["foobar"] | contains(["bar"])`, `"bar" | inside("foobar")`, `2 | IN(.nums[]?)`, `IN(.nums[]; 1, 5)`, `[INDEX(.list[]; .v)[] | .name]`, `.list | INDEX(.name) | keys`, `[JOIN({"1":"a"}; [1,2][]; tostring)]`, `[[1,2] | JOIN({"1":"a"}; tostring)]`, `ascii_upcase?`, `"abc" | test("a.c"; "g")`, `"2024-02-29" | strptime("%Y-%m-%d") | mktime`, `1709209800 | strftime("%A, %B %d, %Y")`, `1709209800 | strftime("%H:%M:%S %j %u")`, `1709209800 | gmtime | mktime`, `1709209800 | gmtime | todate`, `1709209800 | date`, `"10:20" | strptime("%H:%M")`, `1709209800 | todateiso8601`, `"2024-02-29T12:30:00+01:00" | fromdate`, `"2024-02-29T12:30:00.5Z" | fromdate`, `infinite | tostring`, `nan | tostring`, `[infinite, -infinite] | tojson`, `infinite | isinfinite`, `nan | isnan`, `1 | isnormal`, `0 | isnormal`, `"a" | isnan`, `[1, null, "a"] | map(values)`, `[1, [2], {}] | map(iterables)`, `[1, [2], {}] | map(scalars)`, `[true, 1] | map(booleans)`, `[1, nan, infinite] | map(finites) | length`, `walk(if type == "array" then sort else . end) | .l`, `{"b":1,"a":{"d":1,"c":2}} | walk(.) | tojson`, `[1,[2]] | walk(if type == "number" then . * 2 else . end)`, `env | type`, `$ENV.PATH`, `input_line_number?`, `splits("a";"b")?`, `"a" | ascii`, `getpath(["n","x"])?`, `getpath(["value1","x"])`, `{"a":1} | getpath(["a","b"])`, `try getpath(["n","x"]) catch "no"`, `label $f | .l[] | if . == "a" then ., break $f else . end`, `[label $f | .l[] | if . == "a" then ., break $f else . end]`, `def f: def g: 3; g; f`, `def f($a; $b): $a + $b; f(1; 2)`, `def f(g): g | g; 2 | f(. * .)`, `def fac: if . <= 1 then 1 else . * (. - 1 | fac) end; 5 | fac`, `[.l[] as $x | $x] | length`, `. as $dot | .l | map($dot.n)`, `{a: 1, "b": 2, "c\(1)": 3, (.value1): 4}`, `{"a":(1,2)}`, `[{"a":(1,2)}]`, `{a: 1 | . + 1}`, `{l: .l | length}`, `{$ENV}`, `.n as $n | {$n}`, `{"a":1}.a`, `[1,2][1]`, `"abc"[1]`, `.l[.n - 3]`, `.l | .[length - 1]`, `.list[0]["name"]`, `.list[].name`, `.list[]?.name?`, `.. | .name? // empty`, `.value1 as $v | .list | map(.name + $v)`, `if .n > 2 then "big" elif .n > 1 then "mid" else "small" end`, `if empty then 1 else 2 end`, `if (true, false) then 1 else 2 end`, `[if (true, false) then 1 else 2 end]`, `try error({"a":1}) catch .a`, `error({"a":1})`, `.a?.b?`, `.value1?.x?`, `[.[] | try tonumber catch empty] | length`, `(.l | length) as $len | $len * 2`, `first(empty)`, `[first(range(10;0;-1))]`, `nth(0; empty)`, `nth(-1; 1,2)`, `[.l | nth(0, 2)]`, `[limit(2; 1, error)]`, `until(. > 100; . * 2)?`, `3 | until(. > 100; . * 2)`, `[1 | while(. < 50; . * 3)]`, `1 // 2`, `null // null // 3`, `(null, 1) // 2`, `[(null, 1, false, 2) // 3]`, `empty // 4`, `error // 5`, `first(.missing[]?) // "none"`, `.n > 2 and .f < 3`, `(true, false) or false`, `[(true, false) and (true, false)]`, `1 < 2 | not`, `"a" < "b"`, `[] < {}`, `[1] < [1, 0]`, `{"a":1} < {"b":0}`, `{"a":2} < {"a":1,"b":0}`, `"é" > "z"`, `1 != 1.0`, `.n == 3`, `@text`, `[splits(", ")?]`, `ltrimstr("x")?`, `"xax" | ltrimstr("x") | rtrimstr("x")`, `"a" | rtrimstr(1)`, `1 | trim`, `"\n a\t" | trim`, `"abc" | ascii_upcase | @base64`, `@base64 "\(1)\("a")"`, `.l | combinations?`, `[[[1,2],[3]] | combinations]`, `[[0,1] | combinations(2)] | length`, `[] | transpose`, `[[1],[2,3]] | transpose`, `[[1,[2]],3] | flatten`, `[1] | flatten(-1)`, `{"a":[1]} | flatten`, `[[3,1],[2]] | map(sort)`, `[1,1,2] | unique`, `[1,1.0] | unique`, `[{"a":1},{"a":1}] | unique | length`, `["bb","a"] | unique_by(length)`, `[1,2,3] | bsearch(4)`, `[1,2,3] | bsearch(0)`, `tojson | ltrimstr("{") | length > 3`, `.m | tojson | fromjson`, `"[1,2" | fromjson?`, `"{\"a\":1} " | fromjson`, `"\"a\"" | fromjson`, `"12" | fromjson`, `" 12 " | fromjson`, `"1e1000" | fromjson`, `"-" | tonumber`, `"+5" | tonumber`, `".5" | tonumber`, `"5." | tonumber`, `"-0" | tonumber`, `"1_000" | tonumber`, `"" | tonumber`, `"Infinity" | tonumber`, `null | tonumber`, `true | tostring`, `[1,"1",[1]] | map(tostring)`, `{"a":"x"} | tostring`, `"x" | tostring`,
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
