use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use http::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};

use super::*;

/// An API server that refuses what `refused` says and lists nothing, and the questions it was asked.
fn asking(refused: fn(&Value) -> bool) -> (Client, Arc<Mutex<Vec<Value>>>) {
    listing(json!({"incomplete": false, "resourceRules": [], "nonResourceRules": []}), refused)
}

/// The same with a list of rules. What it is asked to list stands among the questions as `{"list": NAMESPACE}`, unless nothing is
/// listed.
fn listing(rules: Value, refused: fn(&Value) -> bool) -> (Client, Arc<Mutex<Vec<Value>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    let service = tower::service_fn(move |request: Request<Body>| {
        let (heard, rules) = (Arc::clone(&heard), rules.clone());
        async move {
            let path = request.uri().path().to_owned();
            let body = request.into_body().collect_bytes().await.unwrap();
            let mut review: Value = serde_json::from_slice(&body).unwrap();
            match path.strip_prefix("/apis/authorization.k8s.io/v1/") {
                Some("selfsubjectaccessreviews") => {
                    let question = review["spec"]["resourceAttributes"].clone();
                    review["status"] = json!({"allowed": !refused(&question)});
                    heard.lock().unwrap().push(question);
                }
                Some("selfsubjectrulesreviews") => {
                    if rules["resourceRules"] != json!([]) {
                        heard.lock().unwrap().push(json!({"list": review["spec"]["namespace"]}));
                    }
                    review["status"] = rules;
                }
                _ => panic!("{path}"),
            }
            Ok::<_, Infallible>(Response::new(Body::from(review.to_string().into_bytes())))
        }
    });
    (Client::new(service, "default"), asked)
}

/// Of who has not asked before.
async fn missing(client: &Client, rights: &[Right]) -> Result<Vec<Right>, ReviewError> {
    super::missing(client, &mut Rulebook::default(), rights).await
}

/// To get and list `ConfigMap`s.
fn rules() -> Value {
    json!({"incomplete": false, "nonResourceRules": [], "resourceRules": [
        {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["configmaps"]},
    ]})
}

#[tokio::test(start_paused = true)]
async fn what_is_listed_is_not_asked_about_one_by_one() {
    let (client, asked) = listing(rules(), |_| true);
    let mut rulebook = Rulebook::default();
    let rights = [Right::new("", "configmaps", &["get", "list", "watch"])];
    let missing = super::missing(&client, &mut rulebook, &rights).await.unwrap();
    assert_eq!(missing, [Right::new("", "configmaps", &["watch"])]);
    let watch = json!({"group": "", "resource": "configmaps", "verb": "watch"});
    assert_eq!(*asked.lock().unwrap(), [json!({"list": "all.namespaces"}), watch]);

    // For a moment nothing is listed again; each namespace has a list of its own.
    asked.lock().unwrap().clear();
    let in_place = |namespace: Option<&str>| {
        [Right { namespace: namespace.map(str::to_owned), ..Right::new("", "configmaps", &["get"]) }]
    };
    for namespace in [None, Some("a"), None, Some("a")] {
        assert_eq!(super::missing(&client, &mut rulebook, &in_place(namespace)).await.unwrap(), []);
    }
    assert_eq!(*asked.lock().unwrap(), [json!({"list": "a"})]);
    tokio::time::advance(Duration::from_secs(3)).await;
    assert_eq!(super::missing(&client, &mut rulebook, &in_place(None)).await.unwrap(), []);
    assert_eq!(asked.lock().unwrap().len(), 2, "rights may have changed");
}

#[tokio::test]
async fn a_list_that_is_not_complete_says_nothing() {
    let mut rules = rules();
    rules["incomplete"] = json!(true);
    let (client, asked) = listing(rules, |_| true);
    let rights = [Right::new("", "configmaps", &["get", "list"])];
    assert_eq!(missing(&client, &rights).await.unwrap(), rights);
    assert_eq!(asked.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn only_what_is_refused_is_missing() {
    let (client, _) = asking(|question| question["verb"] == "watch" || question["subresource"] == "status");
    let rights = [
        Right::new("", "pods", &["get", "list"]),
        Right::new("apps", "deployments", &["list", "watch"]),
        Right::new("apps", "deployments/status", &["patch"]),
    ];
    let missing = missing(&client, &rights).await.unwrap();
    let words: Vec<String> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(words, ["watch of deployments.apps", "patch of deployments/status.apps"]);
}

#[tokio::test]
async fn each_name_is_asked_about_in_its_namespace() {
    let (client, asked) = asking(|question| question["name"] == "b");
    let right = Right {
        namespace: Some("team".to_owned()),
        names: ["a", "b", "c"].map(str::to_owned).to_vec(),
        ..Right::new("", "secrets", &["get", "list"])
    };
    let missing = missing(&client, std::slice::from_ref(&right)).await.unwrap();
    assert_eq!(missing, [Right { names: vec!["b".to_owned()], ..right }]);
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 6);
    assert!(asked.iter().all(|question| question["namespace"] == "team"), "{asked:?}");
}

#[tokio::test]
async fn long_lists_are_asked_about_in_part() {
    let (client, asked) = asking(|_| false);
    let right = Right { names: (0..1_000).map(|n| n.to_string()).collect(), ..Right::new("", "secrets", &["get"]) };
    assert_eq!(missing(&client, &[right]).await.unwrap(), []);
    assert_eq!(asked.lock().unwrap().len(), QUESTIONS);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_not_waited_for() {
    let silent = tower::service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>());
    let client = Client::new(silent, "default");
    let answer = missing(&client, &[Right::new("", "pods", &["get"])]).await;
    assert!(matches!(answer, Err(ReviewError::Late(_))), "{answer:?}");
}
