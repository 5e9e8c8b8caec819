//! tmp
#[test]
fn speed() {
    let v = serde_json::json!({"value1":"Foo1","value2":"Foo2","l":[1,2,3]});
    for e in [
        ".value1",
        ".value2 | @base64",
        "\"p-\" + (.value1|@base64)",
        ".l | map(. + 1) | add",
        "with_entries(.value |= tostring) | to_entries | map(.key) | join(\",\")",
    ] {
        let t = std::time::Instant::now();
        for _ in 0..2000 {
            capstan_patch::jq::first_output(e, &v).unwrap();
        }
        println!("{e}: {:?}", t.elapsed() / 2000);
    }
    let c = vec!["b64enc .value1".to_string(), "printf \"prefix-%s\"".to_string()];
    let t = std::time::Instant::now();
    for _ in 0..2000 {
        capstan_patch::template::render(&c, &v).unwrap();
    }
    println!("template: {:?}", t.elapsed() / 2000);
}
