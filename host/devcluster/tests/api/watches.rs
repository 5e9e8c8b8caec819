//! Lists and watches.

use std::time::Duration;

use capstan_devcluster::{DevCluster, Options};
use serde_json::{Value, json};

use crate::caller::{Caller, WIDGETS, widget};

/// The events of a watch that ends at its timeout: type, name, and generation or annotations.
async fn events(caller: &Caller, query: &str) -> Vec<Value> {
    let answer = caller.get(&format!("{WIDGETS}?watch=true&timeoutSeconds=3&{query}")).await;
    assert_eq!(answer.code, 200, "{}", answer.text);
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn summary(events: &[Value]) -> Vec<String> {
    let text = |event: &Value| {
        let metadata = &event["object"]["metadata"];
        format!("{} {}", event["type"].as_str().unwrap(), metadata["name"].as_str().unwrap_or("-"))
    };
    events.iter().map(text).collect()
}

async fn two_widgets() -> Caller {
    let caller = Caller::with_widgets().await;
    caller.post(WIDGETS, &widget("a", json!({"size": 3}))).await;
    caller.post(WIDGETS, &widget("b", json!({"size": 4, "mode": "fast"}))).await;
    caller
}

fn revision(object: &Value) -> String {
    object["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_watch_starts_with_what_there_is() {
    let caller = two_widgets().await;
    assert_eq!(summary(&events(&caller, "").await), ["ADDED a", "ADDED b"]);
    assert_eq!(summary(&events(&caller, "&resourceVersion=0").await), ["ADDED a", "ADDED b"]);
}

#[tokio::test(start_paused = true)]
async fn a_streaming_list_ends_with_a_marked_bookmark() {
    let caller = two_widgets().await;
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let seen = events(&caller, query).await;
    assert_eq!(summary(&seen)[..3], ["ADDED a", "ADDED b", "BOOKMARK -"]);
    assert_eq!(seen[2]["object"]["metadata"]["annotations"], json!({"k8s.io/initial-events-end": "true"}));
    assert_eq!(seen[2]["object"]["kind"], "Widget");
    let refused = caller.get(&format!("{WIDGETS}?watch=true&sendInitialEvents=true")).await;
    assert_eq!(
        refused.body["message"],
        "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting \
         resourceVersionMatch to NotOlderThan"
    );
}

#[tokio::test(start_paused = true)]
async fn entering_and_leaving_a_selection_is_adding_and_deleting() {
    let caller = two_widgets().await;
    let start = revision(&caller.get(WIDGETS).await.body);
    let created = caller.post(WIDGETS, &widget("c", json!({"size": 1, "mode": "fast"}))).await.body;
    let path = format!("{WIDGETS}/c");
    let left = caller.merge(&path, &json!({"spec": {"mode": "slow"}})).await.body;
    caller.merge(&path, &json!({"metadata": {"labels": {"x": "1"}}})).await;
    let back = caller.merge(&path, &json!({"spec": {"mode": "fast"}})).await.body;
    caller.delete(&path, &Value::Null).await;
    let query = format!("resourceVersion={start}&allowWatchBookmarks=true&fieldSelector=spec.mode%3Dfast");
    let seen = events(&caller, &query).await;
    assert_eq!(summary(&seen), ["ADDED c", "DELETED c", "ADDED c", "DELETED c", "BOOKMARK -"]);
    assert_eq!(revision(&seen[0]["object"]), revision(&created));
    assert_eq!(seen[1]["object"]["spec"]["mode"], "fast", "the state that the client knows");
    assert_eq!(revision(&seen[1]["object"]), revision(&left), "at the revision at which it left");
    assert_eq!(revision(&seen[2]["object"]), revision(&back));
    assert_eq!(seen[3]["object"]["metadata"]["generation"], 3);
    assert_eq!(revision(&seen[4]["object"]), revision(&seen[3]["object"]));
}

#[tokio::test(start_paused = true)]
async fn changes_arrive_while_the_watch_is_open() {
    let caller = two_widgets().await;
    let start = revision(&caller.get(WIDGETS).await.body);
    let query = format!("resourceVersion={start}");
    let write = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        caller.merge(&format!("{WIDGETS}/a"), &json!({"spec": {"size": 9}})).await;
        caller.delete(&format!("{WIDGETS}/b"), &Value::Null).await;
    };
    let (seen, ()) = tokio::join!(events(&caller, &query), write);
    assert_eq!(summary(&seen), ["MODIFIED a", "DELETED b"]);
}

#[tokio::test(start_paused = true)]
async fn old_revisions_expire() {
    let cluster = DevCluster::new(Options { history: 2, ..Options::default() });
    let caller = Caller::with(&cluster);
    caller.add_widgets().await;
    for name in ["a", "b", "c", "d"] {
        caller.post(WIDGETS, &widget(name, json!({"size": 1}))).await;
    }
    let page = caller.get(&format!("{WIDGETS}?limit=1")).await.body;
    let token = page["metadata"]["continue"].as_str().unwrap().to_owned();
    assert_eq!(page["metadata"]["remainingItemCount"], 3);

    let seen = events(&caller, "resourceVersion=1").await;
    assert_eq!(seen.len(), 1);
    assert_eq!((&seen[0]["type"], &seen[0]["object"]["code"]), (&json!("ERROR"), &json!(410)));
    assert_eq!(seen[0]["object"]["reason"], "Expired");
    assert!(seen[0]["object"]["message"].as_str().unwrap().starts_with("too old resource version: 1 ("));

    let exact = caller.get(&format!("{WIDGETS}?resourceVersion=1&resourceVersionMatch=Exact")).await;
    assert_eq!((exact.code, &exact.body["reason"]), (410, &json!("Expired")));
    assert_eq!(exact.body["message"], "The resourceVersion for the provided list is too old.");

    for size in 2..6 {
        caller.merge(&format!("{WIDGETS}/a"), &json!({"spec": {"size": size}})).await;
    }
    let expired = caller.get(&format!("{WIDGETS}?limit=1&continue={token}")).await;
    assert_eq!(expired.code, 410);
    let inconsistent = expired.body["metadata"]["continue"].as_str().unwrap();
    let rest = caller.get(&format!("{WIDGETS}?continue={inconsistent}")).await.body;
    assert_eq!(rest["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn pages_are_of_one_revision() {
    let caller = Caller::with_widgets().await;
    for name in ["a", "b", "c"] {
        caller.post(WIDGETS, &widget(name, json!({"size": 1}))).await;
    }
    let first = caller.get(&format!("{WIDGETS}?limit=2")).await.body;
    let token = first["metadata"]["continue"].as_str().unwrap();
    caller.delete(&format!("{WIDGETS}/c"), &Value::Null).await;
    let second = caller.get(&format!("{WIDGETS}?limit=2&continue={token}")).await.body;
    assert_eq!(second["items"][0]["metadata"]["name"], "c", "as it was when the first page was made");
    assert_eq!(revision(&second), revision(&first));
    assert_eq!(second["metadata"].get("continue"), None);
    let both = caller.get(&format!("{WIDGETS}?limit=2&continue={token}&resourceVersion=1")).await;
    assert_eq!(both.body["message"], "specifying resource version is not allowed when using continue");
    let bogus = caller.get(&format!("{WIDGETS}?limit=1&continue=bogus")).await;
    assert_eq!(bogus.code, 400);
    assert!(bogus.body["message"].as_str().unwrap().starts_with("invalid continue token: continue key is not valid"));
}

#[tokio::test]
async fn selectors_and_revisions_are_checked() {
    let caller = two_widgets().await;
    let message = |answer: crate::caller::Answer| (answer.code, answer.body["message"].as_str().unwrap().to_owned());
    assert_eq!(
        message(caller.get(&format!("{WIDGETS}?fieldSelector=spec.size%3D3")).await),
        (400, "field label not supported: spec.size".to_owned())
    );
    assert_eq!(
        message(caller.get(&format!("{WIDGETS}?labelSelector=a%3D%3D%3D")).await),
        (400, "unable to parse requirement: found '=', expected: identifier".to_owned())
    );
    assert_eq!(
        message(caller.get(&format!("{WIDGETS}?resourceVersion=abc")).await),
        (
            400,
            "invalid resource version: resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": \
             invalid syntax"
                .to_owned()
        )
    );
    let watch = caller.get(&format!("{WIDGETS}?watch=true&resourceVersion=abc")).await;
    assert_eq!((watch.code, watch.body.get("reason")), (500, None));
    let named = caller.get(&format!("{WIDGETS}?fieldSelector=metadata.name%3Db")).await.body;
    assert_eq!(named["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_is_still_to_come_is_awaited_for_three_seconds() {
    let caller = two_widgets().await;
    let begun = tokio::time::Instant::now();
    for path in [WIDGETS.to_owned(), format!("{WIDGETS}/a")] {
        let future = caller.get(&format!("{path}?resourceVersion=99999999")).await;
        assert_eq!((future.code, &future.headers["retry-after"]), (504, &"1".parse().unwrap()), "{path}");
        assert!(future.body["message"].as_str().unwrap().starts_with("Timeout: Too large resource version: 99999999"));
        assert_eq!(future.body["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
    }
    assert_eq!(begun.elapsed().as_secs(), 6);

    let next = revision(&caller.get(WIDGETS).await.body).parse::<u64>().unwrap() + 1;
    let write = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        caller.post(WIDGETS, &widget("c", json!({"size": 1}))).await;
    };
    let path = format!("{WIDGETS}?resourceVersion={next}");
    let (list, ()) = tokio::join!(caller.get(&path), write);
    assert_eq!(list.body["items"].as_array().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn bookmarks_come_regularly() {
    let cluster = DevCluster::new(Options { bookmark_interval: Duration::from_secs(10), ..Options::default() });
    let caller = Caller::with(&cluster);
    caller.add_widgets().await;
    let answer = caller.get(&format!("{WIDGETS}?watch=1&timeoutSeconds=25&allowWatchBookmarks=true")).await;
    assert_eq!(answer.text.lines().count(), 3, "two on the way and one at the end: {}", answer.text);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_lags_is_closed() {
    let cluster = DevCluster::new(Options { watch_buffer: 2, ..Options::default() });
    let caller = Caller::with(&cluster);
    caller.add_widgets().await;
    let start = revision(&caller.get(WIDGETS).await.body);
    let write = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        // The watch cannot run in between: requests in process do not wait.
        for index in 0..20 {
            caller.post(WIDGETS, &widget(&format!("w{index}"), json!({"size": 1}))).await;
        }
    };
    let begun = tokio::time::Instant::now();
    let path = format!("{WIDGETS}?watch=1&timeoutSeconds=100&resourceVersion={start}");
    let (answer, ()) = tokio::join!(caller.get(&path), write);
    assert!(begun.elapsed() < Duration::from_secs(100), "closed before its timeout");
    assert!(answer.text.lines().count() < 20);
}

#[tokio::test(start_paused = true)]
async fn tables_and_metadata() {
    let caller = two_widgets().await;
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    let status = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    caller.merge(&format!("{WIDGETS}/a/status"), &status).await;
    let list = caller.get_as(&format!("{WIDGETS}?limit=500"), table).await.body;
    let names: Vec<&str> =
        list["columnDefinitions"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Name", "Size", "Ready", "Mode", "Age"]);
    let cells = |row: usize| list["rows"][row]["cells"].as_array().unwrap()[..4].to_vec();
    assert_eq!(cells(0), [json!("a"), json!(3), json!("True"), json!("slow")]);
    assert_eq!(cells(1), [json!("b"), json!(4), Value::Null, json!("fast")]);
    assert_eq!(list["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    let none = caller.get_as(&format!("{WIDGETS}?includeObject=None"), table).await.body;
    assert_eq!(none["rows"][0]["object"], Value::Null);

    let watch = caller.get_as(&format!("{WIDGETS}?watch=true&timeoutSeconds=1"), table).await;
    let seen: Vec<Value> = watch.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(seen[0]["object"]["columnDefinitions"].is_array());
    assert_eq!(seen[1]["object"]["columnDefinitions"], Value::Null);
    assert_eq!(seen[1]["object"]["rows"][0]["cells"][0], "b");

    let metadata = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";
    let list = caller.get_as(WIDGETS, metadata).await.body;
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert_eq!(list["items"][0].get("spec"), None);
    let yaml = caller.get_as(&format!("{WIDGETS}/a"), "application/yaml").await;
    assert!(yaml.text.contains("kind: Widget\n"), "{}", yaml.text);
}

#[tokio::test(start_paused = true)]
async fn a_watch_lasts_as_long_as_it_says_and_half_an_hour_if_it_says_nothing() {
    let caller = two_widgets().await;
    for (query, seconds) in [("&timeoutSeconds=0", 1800), ("", 1800), ("&timeoutSeconds=7", 7)] {
        let begun = tokio::time::Instant::now();
        assert_eq!(caller.get(&format!("{WIDGETS}?watch=true{query}")).await.code, 200);
        assert_eq!(begun.elapsed(), Duration::from_secs(seconds), "{query}");
    }
    // Longer than any clock goes.
    let ages = format!("{WIDGETS}?watch=true&timeoutSeconds={}", i64::MAX);
    assert_eq!(caller.get(&ages).await.code, 200);
}

#[tokio::test(start_paused = true)]
async fn bookmarks_have_the_form_of_the_objects_of_their_watch() {
    let caller = two_widgets().await;
    let path = format!(
        "{WIDGETS}?watch=true&timeoutSeconds=3&sendInitialEvents=true&resourceVersionMatch=NotOlderThan\
         &allowWatchBookmarks=true&includeObject=None"
    );
    let seen = async |form: &str| -> Vec<Value> {
        let answer = caller.get_as(&path, &format!("application/json;as={form};v=v1;g=meta.k8s.io")).await;
        answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let marked = json!({"k8s.io/initial-events-end": "true"});

    let tables = seen("Table").await;
    let (first, last) = (&tables[2]["object"], &tables[3]["object"]);
    assert_eq!((&tables[2]["type"], &tables[3]["type"]), (&json!("BOOKMARK"), &json!("BOOKMARK")));
    assert_eq!((&first["kind"], &first["columnDefinitions"]), (&json!("Table"), &Value::Null));
    assert_eq!(first["rows"][0]["object"]["metadata"]["annotations"], marked, "although no objects are wanted");
    assert_eq!((&last["rows"][0]["object"], &last["rows"][0]["cells"][0]), (&Value::Null, &json!("")));
    assert_eq!(revision(last), revision(&tables[1]["object"]));

    let metadata = seen("PartialObjectMetadata").await;
    let first = &metadata[2]["object"];
    assert_eq!((&first["kind"], &first["apiVersion"]), (&json!("PartialObjectMetadata"), &json!("meta.k8s.io/v1")));
    assert_eq!(first["metadata"]["annotations"], marked);
}

#[tokio::test]
async fn lists_are_in_the_order_of_namespace_slash_name() {
    let caller = Caller::new();
    for namespace in ["a", "a-b"] {
        caller.post("/api/v1/namespaces", &json!({"metadata": {"name": namespace}})).await;
        let path = format!("/api/v1/namespaces/{namespace}/configmaps");
        let object = json!({"metadata": {"name": "x", "labels": {"mine": "yes"}}});
        assert_eq!(caller.post(&path, &object).await.code, 201);
    }
    let namespaces = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| item["metadata"]["namespace"].as_str().unwrap().to_owned()).collect()
    };
    let all = caller.get("/api/v1/configmaps?labelSelector=mine").await.body;
    assert_eq!(namespaces(&all), ["a-b", "a"]);
    let first = caller.get("/api/v1/configmaps?labelSelector=mine&limit=1").await.body;
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = caller.get(&format!("/api/v1/configmaps?labelSelector=mine&limit=1&continue={token}")).await.body;
    assert_eq!((namespaces(&first), namespaces(&second)), (vec!["a-b".to_owned()], vec!["a".to_owned()]));
    assert_eq!(namespaces(&caller.get("/api/v1/namespaces/a/configmaps?labelSelector=mine").await.body), ["a"]);
}
