//! Tables of rules: what holds, what is refused and in which words, and what does not compile.

use serde_json::{Value, json};

use super::{evaluate, evaluate_within};
use crate::schema::{Schema, parse};

fn compiled(document: &Value) -> Result<Schema, Vec<String>> {
    let mut errors = Vec::new();
    let schema = parse(document, "schema", &mut errors);
    if errors.is_empty() { Ok(schema) } else { Err(errors.iter().map(ToString::to_string).collect()) }
}

/// The errors and warnings of an update, or of a create without `old`.
fn findings(document: &Value, old: Option<&Value>, new: &Value) -> (Vec<String>, Vec<String>) {
    let schema = compiled(document).unwrap_or_else(|errors| panic!("{document}: {errors:?}"));
    let findings = evaluate(&schema, old, new);
    (findings.errors.iter().map(ToString::to_string).collect(), findings.warnings)
}

fn object(properties: &Value, rules: &Value) -> Value {
    json!({"type": "object", "properties": properties, "x-kubernetes-validations": rules})
}

/// One rule over a spec that has a bit of everything.
fn spec(rule: &str) -> Value {
    let int = json!({"type": "integer"});
    let item = json!({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "n": int}});
    let spec = json!({
        "type": "object",
        "properties": {
            "size": int, "ratio": {"type": "number"}, "name": {"type": "string"}, "on": {"type": "boolean"},
            "namespace": {"type": "string"}, "a.b": int, "a-b": int, "a/b": int, "a__b": int, "maybe": {
                "type": "string", "nullable": true,
            },
            "port": {"x-kubernetes-int-or-string": true},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "list": {"type": "array", "items": {"type": "string"}},
            "numbers": {"type": "array", "items": int},
            "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "ports": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": item,
            },
            "when": {"type": "string", "format": "date-time"}, "day": {"type": "string", "format": "date"},
            "wait": {"type": "string", "format": "duration"}, "data": {"type": "string", "format": "byte"},
            "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "template": {
                "type": "object", "x-kubernetes-embedded-resource": true, "properties": {"size": {"type": "integer"}},
            },
        },
        "x-kubernetes-validations": [{"rule": rule}],
    });
    json!({"type": "object", "properties": {"spec": spec}})
}

fn filled() -> Value {
    json!({
        "size": 3, "ratio": 2, "name": "äb", "on": true, "namespace": "n", "a.b": 1, "a-b": 2, "a/b": 3, "a__b": 4,
        "maybe": null, "port": "80%", "labels": {"x": "1", "a.b": "2"}, "list": ["b", "a"], "numbers": [1, 2, 3],
        "tags": ["x", "y"], "ports": [{"name": "p", "n": 1}, {"name": "q"}],
        "when": "2026-01-02T03:04:05+02:00", "day": "2026-01-02", "wait": "90m", "data": "aGk=", "any": {"z": 1},
        "template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "t", "labels": {}}},
    })
}

#[test]
fn rules_hold() {
    let rules = [
        "self.size == 3 && self.ratio == 2.0 && self.size < self.ratio + 1.5",
        "self.name.size() == 2 && size(self.name) == 2 && self.name.startsWith('ä')",
        "self.__namespace__ == 'n' && self.namespace == 'n' && self.a__dot__b == 1 && self.a__dash__b == 2 && self.a__slash__b == 3",
        "self.a__underscores__b == 4",
        "!has(self.maybe) && has(self.name) && !has(self.labels.y) && has(self.labels.x)",
        "type(self.port) == string && self.port.endsWith('%')",
        "type(self.port) == int ? self.port < 5 : self.port == '80%'",
        "self.labels['a.b'] == '2' && 'x' in self.labels && self.labels.all(k, k.matches('^[a-z.]+$'))",
        "self.list == ['b', 'a'] && self.list != ['a', 'b'] && self.list[1] == 'a' && self.list.size() == 2",
        "self.tags == ['y', 'x'] && self.tags + ['x', 'z'] == ['x', 'y', 'z']",
        "self.ports + [self.ports[0]] == self.ports && self.ports.exists(p, p.n == 1) && self.ports.exists_one(p, p.name == 'q')",
        // An item without the field does not keep another one from being found, before or after it.
        "self.ports.map(p, p.name).exists(n, n == 'q') && [{}, {'n': 1}].exists(p, p.n == 1)",
        "self.ports.filter(p, has(p.n)).map(p, p.n).sum() == 1 && self.numbers.isSorted()",
        "self.numbers.map(n, n > 1, n * 2) == [4, 6]",
        "self.when == timestamp('2026-01-02T01:04:05Z') && self.when.getHours() == 1",
        "self.day < self.when && self.wait == duration('1h30m') && self.wait + self.when > self.when",
        "type(self.wait) == google.protobuf.Duration && string(self.wait) == '5400s' && self.when.getHours('01:00') == 2",
        "self.data == b'hi' && size(self.data) == 2 && string(self.data) == 'hi'",
        "self.template.kind == 'Pod' && self.template.metadata.name == 't'",
        "self.?maybe.orValue('none') == 'none' && self.?name.hasValue() && self.labels[?'y'].orValue('0') == '0'",
        "self.?labels.x.orValue('') == '1' && optional.of(1).optMap(x, x + 1).value() == 2",
        "self.numbers.all(i, n, n == i + 1) && self.labels.exists(k, v, k == 'x' && v == '1')",
        "self.numbers.transformList(i, n, i > 0, n + i) == [3, 5] && {'a': 1}.transformMap(k, v, v + 1) == {'a': 2}",
        "self.list.sortBy(s, s) == ['a', 'b'] && self.numbers.slice(0, 2) == [1, 2]",
        "quantity('1Gi').isGreaterThan(quantity('500Mi')) && isIP('10.0.0.1') && cidr('10.0.0.0/8').containsIP('10.1.1.1')",
        "url('https://x.example:1/p').getPort() == '1' && semver('1.2.3').minor() == 2",
        "!format.dns1123Label().validate('ok').hasValue() && format.named('uuid').value().validate('x').hasValue()",
        "'%s-%d'.format(['a', 1]) == 'a-1' && 'a,b'.split(',').join('+') == 'a+b' && 'abc'.find('b.') == 'bc'",
        "sets.contains(self.tags, ['x']) && sets.equivalent(self.tags, ['y', 'x', 'x'])",
        "false || self.numbers[9] == 1 || true",
        "self.any == self.any && dyn(1) == 1 && (self.on ? 1 : 2) == 1 && -self.size == -3 && 7 % 3 == 1",
        "string(self.size) + string(self.on) + string(1.5) == '3true1.5' && int('7') == 7 && double(2) == 2.0",
    ];
    for rule in rules {
        let (errors, warnings) = findings(&spec(rule), None, &json!({"spec": filled()}));
        assert!(errors.is_empty() && warnings.is_empty(), "{rule}: {errors:?}");
    }
}

#[test]
fn broken_rules_are_told_in_the_words_of_kubernetes() {
    let cases = [
        ("self.size > 5", "spec: Invalid value: failed rule: self.size > 5"),
        (
            "self.labels['none'] == ''",
            "spec: Invalid value: \"object\": no such key: none evaluating rule: self.labels['none'] == ''",
        ),
        (
            "self.list[7] == ''",
            "spec: Invalid value: \"object\": index out of bounds: 7 evaluating rule: self.list[7] == ''",
        ),
        (
            "1 / (self.size - 3) == 1",
            "spec: Invalid value: \"object\": division by zero evaluating rule: 1 / (self.size - 3) == 1",
        ),
        (
            "self.size + 9223372036854775807 > 0",
            "spec: Invalid value: \"object\": integer overflow evaluating rule: self.size + 9223372036854775807 > 0",
        ),
        (
            "self.port + 1 > 0",
            "spec: Invalid value: \"object\": 'no such overload': call arguments did not match a supported operator, \
             function or macro signature for rule: self.port + 1 > 0",
        ),
        (
            "self.numbers.all(a, self.numbers.all(b, self.numbers.all(c, [1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9]\
             .all(e, [1,2,3,4,5,6,7,8,9].all(f, [1,2,3,4,5,6,7,8,9].all(g, f + g + e + d > 0)))))))",
            "spec: Invalid value: \"object\": 'operation cancelled: actual cost limit exceeded': no further validation \
             rules will be run due to call cost exceeds limit for rule: self.numbers.all(a,",
        ),
    ];
    for (rule, wanted) in cases {
        let (errors, _) = findings(&spec(rule), None, &json!({"spec": filled()}));
        assert_eq!(errors.len(), 1, "{rule}: {errors:?}");
        assert!(errors[0].starts_with(wanted), "{}\n{wanted}", errors[0]);
    }
}

#[test]
fn messages_reasons_and_field_paths_are_those_of_the_rule() {
    let properties = json!({
        "n": {"type": "integer", "x-kubernetes-validations": [{"rule": "self < 5", "message": " below five "}]},
        "s": {"type": "string", "x-kubernetes-validations": [
            {"rule": "self != 'x'", "reason": "FieldValueDuplicate"},
            {"rule": "self != 'x'", "reason": "FieldValueForbidden", "message": "no x"},
        ]},
        "null": {"type": "string", "nullable": true, "x-kubernetes-validations": [{"rule": "self == 'x'"}]},
        "map": {"type": "object", "additionalProperties": {
            "type": "integer", "x-kubernetes-validations": [{"rule": "self < 5"}],
        }},
        "list": {"type": "array", "items": {
            "type": "object", "properties": {"a": {"type": "integer"}},
            "x-kubernetes-validations": [
                {"rule": "self.a < 5", "fieldPath": ".a", "reason": "FieldValueRequired", "message": "small a"},
            ],
        }},
    });
    let rules = json!([
        {"rule": "self.n < 5", "messageExpression": "'n is ' + string(self.n)", "message": "unused"},
        {"rule": "self.n < 5", "messageExpression": "self.s + ' '.trim() + '\\n' + 'b'", "message": "one line only"},
        {"rule": "self.n < 5", "messageExpression": "self.map['none'] == 1 ? 'a' : 'b'", "message": "fixed"},
    ]);
    let new = json!({"n": 7, "s": "x", "null": null, "map": {"a.b": 9}, "list": [{"a": 1}, {"a": 6}]});
    let (errors, _) = findings(&object(&properties, &rules), None, &new);
    assert_eq!(
        errors,
        [
            "<nil>: Invalid value: n is 7",
            "<nil>: Invalid value: one line only",
            "<nil>: Invalid value: fixed",
            "list[1].a: Required value: small a",
            "map[a.b]: Invalid value: 9: failed rule: self < 5",
            "n: Invalid value: 7: below five",
            "s: Duplicate value: \"x\"",
            "s: Forbidden: no x",
        ]
    );
}

#[test]
fn rules_about_a_change_need_an_old_value() {
    let item = json!({
        "type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "n": {"type": "integer"}},
        "x-kubernetes-validations": [{"rule": "self.n >= oldSelf.n"}],
    });
    let properties = json!({
        "name": {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "is immutable"}]},
        "ports": {
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": item,
        },
        "tags": {
            "type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"},
            "x-kubernetes-validations": [{"rule": "self == oldSelf"}],
        },
        "once": {"type": "integer", "x-kubernetes-validations": [
            {"rule": "oldSelf.hasValue() || self == 1", "optionalOldSelf": true, "message": "starts with 1"},
            {"rule": "!oldSelf.hasValue() || self == oldSelf.value() + 1", "optionalOldSelf": true},
        ]},
    });
    let schema = object(&properties, &json!([]));
    let old =
        json!({"name": "a", "ports": [{"name": "p", "n": 5}, {"name": "q", "n": 1}], "tags": ["x", "y"], "once": 1});
    let cases = [
        (None, json!({"name": "b", "ports": [{"name": "p", "n": 1}], "once": 1}), vec![]),
        (None, json!({"once": 2}), vec!["once: Invalid value: 2: starts with 1"]),
        (Some(old.clone()), json!({"name": "b"}), vec!["name: Invalid value: \"b\": is immutable"]),
        (Some(json!({})), json!({"name": "b"}), vec![]),
        // Items are found by their keys, wherever they are; new ones have no old value.
        (
            Some(old.clone()),
            json!({"ports": [{"name": "r", "n": 0}, {"name": "q", "n": 2}, {"name": "p", "n": 5}]}),
            vec![],
        ),
        (
            Some(old.clone()),
            json!({"ports": [{"name": "q", "n": 1}, {"name": "p", "n": 4}]}),
            vec!["ports[1]: Invalid value: failed rule: self.n >= oldSelf.n"],
        ),
        (Some(old.clone()), json!({"tags": ["y", "x"]}), vec![]),
        (Some(old.clone()), json!({"tags": ["y"]}), vec!["tags: Invalid value: failed rule: self == oldSelf"]),
        (Some(old.clone()), json!({"once": 2}), vec![]),
        (
            Some(old),
            json!({"once": 3}),
            vec!["once: Invalid value: 3: failed rule: !oldSelf.hasValue() || self == oldSelf.value() + 1"],
        ),
    ];
    for (old, new, wanted) in cases {
        assert_eq!(findings(&schema, old.as_ref(), &new).0, wanted, "{old:?} -> {new}");
    }
}

#[test]
fn what_was_broken_before_may_stay_so() {
    let small = json!({"type": "integer", "x-kubernetes-validations": [{"rule": "self < 5"}]});
    let properties = json!({
        "spec": {"type": "object", "properties": {
            "a": small, "b": {"type": "integer"},
            "list": {"type": "array", "items": small},
            "kept": {"type": "integer", "x-kubernetes-validations": [{"rule": "self < 5 || self != oldSelf"}]},
        }, "x-kubernetes-validations": [{"rule": "!has(self.b) || self.b < 5"}]},
    });
    let schema = object(&properties, &json!([]));
    let update = |old: Value, new: Value| findings(&schema, Some(&json!({"spec": old})), &json!({"spec": new}));
    let broken = "spec.a: Invalid value: 9: failed rule: self < 5".to_owned();
    assert_eq!(update(json!({"a": 9}), json!({"a": 9, "b": 1})), (vec![], vec![broken.clone()]));
    assert_eq!(update(json!({"a": 8}), json!({"a": 9})), (vec![broken], vec![]));
    // The rule of the spec is about all of it, so that any change brings it back.
    assert_eq!(update(json!({"b": 9, "a": 1}), json!({"b": 9, "a": 2})).0.len(), 1);
    assert_eq!(update(json!({"b": 9, "a": 1}), json!({"b": 9, "a": 1})).0.len(), 0);
    // Items of other lists cannot be found again, so that the whole list has to stay as it was.
    assert_eq!(update(json!({"list": [9]}), json!({"list": [9], "a": 1})).0.len(), 0);
    assert_eq!(update(json!({"list": [9]}), json!({"list": [9, 1]})).0.len(), 1);
    assert_eq!(update(json!({"kept": 9}), json!({"kept": 9})).0.len(), 1, "a rule about a change is not tolerated");
}

#[test]
fn the_type_and_names_of_an_object_are_always_readable() {
    let rules = json!([{"rule": "self.kind == 'K' && self.apiVersion == 'g/v1' && self.metadata.name.size() < 3"}]);
    let schema = object(&json!({"spec": {"type": "object"}}), &rules);
    let object = |name| json!({"apiVersion": "g/v1", "kind": "K", "metadata": {"name": name, "labels": {"a": "b"}}});
    assert!(findings(&schema, None, &object("ab")).0.is_empty());
    assert_eq!(findings(&schema, None, &object("abc")).0.len(), 1);
    let errors = compiled(&self::object(&json!({}), &json!([{"rule": "has(self.metadata.labels)"}]))).unwrap_err();
    assert!(errors[0].contains("undefined field 'labels'"), "{errors:?}");
}

#[test]
fn rules_that_do_not_compile_are_refused() {
    let cases = [
        ("self.sise > 1", "compilation failed: undefined field 'sise'"),
        ("self.size >", "compilation failed: ERROR: <input>:1:"),
        ("self.size", "cel expression must evaluate to a bool"),
        ("self.size > 'a'", "compilation failed: found no matching overload for '_>_' applied to '(int, string)'"),
        ("self.size == 1.0", "compilation failed: found no matching overload for '_==_' applied to '(int, double)'"),
        ("self.name.nope()", "compilation failed: undeclared reference to 'nope' (in container '')"),
        ("self.list.includes('a')", "compilation failed: undeclared reference to 'includes' (in container '')"),
        ("math.ceil(1.5) == 2.0", "compilation failed: undeclared reference to 'math.ceil' (in container '')"),
        ("cel.bind(x, 1, x == 1)", "compilation failed: undeclared reference to 'cel.bind' (in container '')"),
        ("other == 1", "compilation failed: undeclared reference to 'other' (in container '')"),
        (
            "self.name.contains(1)",
            "compilation failed: found no matching overload for 'contains' applied to 'string.(int)'",
        ),
        ("self.name.matches('[')", "compilation failed: invalid matches argument"),
        ("self.wait > duration('soon')", "compilation failed: invalid duration argument"),
        ("self.any.z == 1", "compilation failed: undefined field 'z'"),
        ("self.all(k, true)", "compilation failed: expression of type 'object' cannot be range of a comprehension"),
        ("self.numbers.all(n, n == 'a')", "compilation failed: found no matching overload for '_==_'"),
        ("[1, 'a'].size() == 2", "compilation failed: expected type 'int' but found 'string'"),
        ("has(self)", "compilation failed: ERROR"),
        ("google.protobuf.Duration{seconds: 1} == self.wait", "compilation failed"),
    ];
    for (rule, wanted) in cases {
        let errors = compiled(&spec(rule)).expect_err(rule);
        let place = "schema.properties[spec].x-kubernetes-validations[0].rule: Invalid value: {\"Rule\":";
        assert!(errors[0].starts_with(place) && errors[0].contains(&format!("}}: {wanted}")), "{errors:?}\n{wanted}");
    }
}

#[test]
fn entries_are_checked_beyond_their_expressions() {
    let cases = [
        (json!({"rule": " "}), "rule: Required value: rule is not specified"),
        (json!({"rule": "true", "message": " "}), "message: Invalid value: \" \": must be non-empty if specified"),
        (
            json!({"rule": "true &&\ntrue"}),
            "message: Required value: message must be specified if rule contains line breaks",
        ),
        (
            json!({"rule": "true", "reason": "Because"}),
            "reason: Unsupported value: \"Because\": supported values: \"FieldValueDuplicate\", \
             \"FieldValueForbidden\", \"FieldValueInvalid\", \"FieldValueRequired\"",
        ),
        (json!({"rule": "true", "fieldPath": ".b"}), "fieldPath: Invalid value: \".b\": must be a valid path"),
        (
            json!({"rule": "true", "optionalOldSelf": true}),
            "optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule",
        ),
        (
            json!({"rule": "self.a < 3", "messageExpression": "self.a"}),
            "messageExpression: Invalid value: {\"Rule\":\"self.a \\u003c 3\",\"Message\":\"\",\
             \"MessageExpression\":\"self.a\",\"Reason\":null,\"FieldPath\":\"\",\"OptionalOldSelf\":null}: \
             messageExpression must evaluate to a string",
        ),
    ];
    for (entry, wanted) in cases {
        let schema = object(&json!({"a": {"type": "integer"}}), &json!([entry]));
        let errors = compiled(&schema).expect_err(wanted);
        assert_eq!(errors, [format!("schema.x-kubernetes-validations[0].{wanted}")]);
    }
    let list = |list_type: &str| {
        let rules = json!([{"rule": "self.a == oldSelf.a"}]);
        let mut items = object(&json!({"a": {"type": "integer"}}), &rules);
        items["required"] = json!(["a"]);
        let mut list = json!({"type": "array", "x-kubernetes-list-type": list_type, "items": items});
        if list_type == "map" {
            list["x-kubernetes-list-map-keys"] = json!(["a"]);
        }
        compiled(&json!({"type": "object", "properties": {"l": list}}))
    };
    assert!(list("map").is_ok());
    assert_eq!(
        list("atomic").unwrap_err(),
        [
            "schema.properties[l].items.x-kubernetes-validations[0].rule: Invalid value: \"self.a == oldSelf.a\": oldSelf \
          cannot be used on the uncorrelatable portion of the schema within schema.properties[l]"
        ]
    );
    let nested = json!({"type": "object", "allOf": [{"x-kubernetes-validations": [{"rule": "true"}]}]});
    assert_eq!(
        compiled(&nested).unwrap_err(),
        ["schema.allOf[0].x-kubernetes-validations: Forbidden: must be empty to be structural"]
    );
}

#[test]
fn defaults_have_to_keep_the_rules() {
    let small = |default: i64| {
        let small = json!({"type": "integer", "default": default, "x-kubernetes-validations": [{"rule": "self < 5"}]});
        compiled(&json!({"type": "object", "properties": {"a": small}}))
    };
    assert!(small(4).is_ok());
    assert_eq!(small(5).unwrap_err(), ["schema.properties[a].default: Invalid value: 5: failed rule: self < 5"]);
}

#[test]
fn all_rules_of_an_object_share_a_budget() {
    let items = json!({"type": "integer", "x-kubernetes-validations": [{"rule": "[1, 2, 3].all(n, n >= self)"}]});
    let schema = json!({"type": "object", "properties": {"l": {"type": "array", "items": items}}});
    let schema = compiled(&schema).unwrap();
    let check = |count: usize| evaluate_within(500, &schema, None, &json!({"l": vec![1; count]})).errors;
    assert!(check(5).is_empty());
    let errors = check(100);
    assert_eq!(errors.len(), 1, "nothing more is evaluated");
    let wanted = "Invalid value: \"integer\": validation failed due to running out of cost budget";
    assert!(errors[0].to_string().contains(wanted), "{errors:?}");
}

#[test]
fn texts_cannot_grow_without_bound() {
    let doubling: String = (0..40).map(|_| ".map(s, s + s)").collect();
    for rule in [
        format!("['aaaaaaaaaaaaaaaa']{doubling}.size() > 0"),
        "lists.range(1000000000).size() > 0".to_owned(),
        "lists.range(500000).map(i, i + 1).size() > 0".to_owned(),
    ] {
        let (errors, _) = findings(&spec(&rule), None, &json!({"spec": filled()}));
        assert!(errors[0].contains("actual cost limit exceeded"), "{errors:?}");
    }
}
