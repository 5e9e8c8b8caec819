//! From a request to its answer: everything but the network.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde_json::{Value, json};

use crate::answer::{Answer, Content};
use crate::auth::authenticate;
use crate::clock::Clock;
use crate::description::{Checker, Match, find};
use crate::etag;
use crate::fault::Fault;
use crate::page;
use crate::quota::Window;
use crate::record::{Exchange, Record, Side};
use crate::request::{Body, Call};
use crate::routes;
use crate::state::{Actor, Id, World, signed};

const DOCUMENTATION: &str = "https://docs.github.com/rest";
const QUOTA_DOCUMENTATION: &str = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";
/// The versions of the API that GitHub serves.
const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) world: Mutex<World>,
    pub(crate) record: Mutex<Record>,
    pub(crate) faults: Mutex<Vec<Fault>>,
    pub(crate) clock: Clock,
    checker: Checker,
}

/// A request as it came.
pub(crate) struct Incoming {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// An answer as it goes.
pub(crate) struct Outgoing {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

/// A request on its way, with what is known of it so far.
struct Passage<'a> {
    incoming: &'a Incoming,
    /// The path without the prefix.
    path: String,
    query: Vec<(String, String)>,
    found: Option<Match>,
    body: Body,
    actor: Option<Actor>,
    /// The hour that it was counted in.
    window: Option<Window>,
    cost: u64,
}

impl Shared {
    pub(crate) fn new(world: World, clock: Clock) -> Self {
        Self {
            world: Mutex::new(world),
            record: Mutex::default(),
            faults: Mutex::default(),
            clock,
            checker: Checker::default(),
        }
    }

    /// The state. Never held across an await.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.now = self.clock.now();
        world
    }

    pub(crate) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The path of a request without the prefix; none if it is not below that.
    pub(crate) fn path<'a>(&self, uri: &'a Uri) -> Option<&'a str> {
        uri.path().strip_prefix(self.world().settings.prefix.as_str())
    }

    /// Answers a request as GitHub would, counts it, checks it and writes it down. `planned` is an answer that is given in
    /// place of GitHub's.
    pub(crate) fn answer(&self, incoming: &Incoming, planned: Option<Answer>) -> Outgoing {
        let mut world = self.world();
        let mut passage = Passage::of(incoming, &world);
        let is_planned = planned.is_some();
        let answer = match planned {
            Some(answer) => answer,
            None => self.carry_out(&mut world, &mut passage).unwrap_or_else(|refusal| refusal),
        };
        let request_id = format!("{:04X}:{:06X}", world.next_id() % 0x1_0000, world.next_id());
        let outgoing = passage.outgoing(&mut world, answer, &request_id);
        self.write_down(&world, &passage, &outgoing, request_id, is_planned);
        outgoing
    }

    /// Checks and notes a request whose connection ends without an answer.
    pub(crate) fn dropped(&self, incoming: &Incoming) {
        let world = self.world();
        let passage = Passage::of(incoming, &world);
        let mut record = self.record();
        record.violation(Side::Request, &passage.named(), self.problems(&passage));
        record.exchange(passage.exchange(&world, None, String::new()));
    }

    /// What GitHub's description does not allow in a request.
    fn problems(&self, passage: &Passage) -> Vec<String> {
        match &passage.found {
            None => vec!["no such operation is described".to_owned()],
            Some(found) => self.checker.request(found, &passage.query, &passage.body),
        }
    }

    fn carry_out(&self, world: &mut World, passage: &mut Passage) -> Result<Answer, Answer> {
        let header = |name: &str| passage.incoming.headers.get(name).and_then(|value| value.to_str().ok());
        if header("user-agent").is_none_or(str::is_empty) {
            let page = "\r\nRequest forbidden by administrative rules. Please make sure your request has a User-Agent header \
                        (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).\r\n";
            return Ok(Answer::raw(403, "text/html", page));
        }
        if let Some(version) = header("x-github-api-version")
            && !VERSIONS.contains(&version)
        {
            let message = format!("\"{version}\" is not a supported version.");
            return Ok(Answer::error(400, &message, "https://docs.github.com/rest/about-the-rest-api/api-versions"));
        }
        let authorization = header("authorization");
        let token =
            authorization.and_then(|value| value.split_once(' ')).map_or("", |(_, token)| token.trim()).to_owned();
        let actor = authenticate(world, authorization)?;
        passage.actor = Some(actor);
        let found = passage.found.as_ref().ok_or_else(|| Answer::error(404, "Not Found", DOCUMENTATION))?;
        let is_free = found.operation.id == "rate-limit/get" || matches!(actor, Actor::App(_));
        let accept = header("accept").unwrap_or_default();
        let known_tag = header("if-none-match");
        if !is_free {
            spend(world, actor, &mut passage.window)?;
            passage.cost = 1;
        }
        let is_read = passage.incoming.method == Method::GET;
        if !is_read && !is_free {
            slow_down(world, actor)?;
        }
        let body = match &passage.body {
            Body::None => &Value::Null,
            Body::Json(body) => body,
            Body::Invalid(problem) => return Err(Answer::error(400, problem, &found.operation.documentation)),
        };
        let (owner, name) = (found.parameters.get("owner"), found.parameters.get("repo"));
        if let (Some(owner), Some(name)) = (owner, name)
            && found.operation.template.starts_with("/repos/{owner}/{repo}")
            && let Some(now) = world.renamed(owner, name).filter(|each| world.access(actor, each).is_some())
        {
            let rest = passage.path.match_indices('/').nth(3).map_or("", |(at, _)| &passage.path[at..]);
            return Ok(Answer::moved(is_read, format!("{}/repositories/{}{rest}", world.base, now.id)));
        }
        let call = Call {
            operation: found.operation,
            parameters: &found.parameters,
            query: &passage.query,
            body,
            accept,
            actor,
            token: &token,
        };
        if let Some(problem) = self.checker.refused(found, body).filter(|_| !is_read) {
            return Err(call.error(422, &format!("Invalid request.\n\n{problem}")));
        }
        let mut answer = routes::dispatch(world, &call)?;
        answer.page(passage, world);
        if let (Some(known), true) = (known_tag, is_read && answer.status == 200)
            && etag::names(known, &answer.tag(accept))
        {
            // An unchanged answer costs nothing, if one says who one is.
            if actor != Actor::Anonymous && passage.cost > 0 {
                passage.cost = 0;
                passage.window = Some(refund(world, actor));
            }
            let tag = answer.tag(accept);
            return Ok(Answer::empty(304).header("etag", tag));
        }
        if is_read && answer.status == 200 {
            let tag = answer.tag(accept);
            answer = answer.header("etag", tag).header("cache-control", "private, max-age=60, s-maxage=60");
        }
        Ok(answer)
    }

    fn write_down(&self, world: &World, passage: &Passage, outgoing: &Outgoing, request_id: String, is_planned: bool) {
        let mut record = self.record();
        let request = passage.named();
        record.violation(Side::Request, &request, self.problems(passage));
        if let (Some(found), false) = (&passage.found, is_planned) {
            let problems = self.checker.answer(found, outgoing.status, outgoing.media_type(), &outgoing.json());
            record.violation(Side::Answer, &request, problems);
        }
        record.exchange(passage.exchange(world, Some(outgoing.status), request_id));
    }
}

impl<'a> Passage<'a> {
    fn of(incoming: &'a Incoming, world: &World) -> Self {
        let path = incoming.uri.path().strip_prefix(world.settings.prefix.as_str()).unwrap_or("/").to_owned();
        let query = form_urlencoded::parse(incoming.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let body = if incoming.body.is_empty() {
            Body::None
        } else {
            match serde_json::from_slice::<Value>(&incoming.body) {
                Ok(body @ Value::Object(_)) => Body::Json(body),
                Ok(_) => Body::Invalid("Body should be a JSON object".to_owned()),
                Err(_) => Body::Invalid("Problems parsing JSON".to_owned()),
            }
        };
        let described = by_number(world, &path).unwrap_or_else(|| path.clone());
        let found = find(&incoming.method, &described);
        Self { incoming, path, query, found, body, actor: None, window: None, cost: 0 }
    }

    fn named(&self) -> String {
        format!("{} {}", self.incoming.method, self.incoming.uri)
    }

    fn outgoing(&self, world: &mut World, mut answer: Answer, request_id: &str) -> Outgoing {
        answer.page(self, world);
        let (media_type, body) = match answer.content {
            Content::Json(body) => (Some("application/json; charset=utf-8"), body.to_string().into()),
            Content::Raw(media_type, body) => (Some(media_type), body),
            _ => (None, Bytes::new()),
        };
        let mut headers = answer.headers;
        headers.extend(media_type.map(|media_type| ("content-type", media_type.to_owned())));
        headers.push(("x-github-request-id", request_id.to_owned()));
        headers.push(("x-github-api-version-selected", VERSIONS[0].to_owned()));
        headers.extend(self.window.into_iter().flat_map(shown));
        Outgoing { status: answer.status, headers, body }
    }

    fn exchange(&self, world: &World, status: Option<u16>, request_id: String) -> Exchange {
        let actor = self.actor.and_then(|actor| match actor {
            Actor::Anonymous => None,
            Actor::User(user) => Some(world.login(user).to_owned()),
            Actor::App(app) => world.apps.get(&app).map(|app| app.slug.clone()),
            Actor::Installation(id) => {
                let app = world.installations.get(&id).and_then(|each| world.apps.get(&each.app));
                app.map(|app| format!("{}[bot]", app.slug))
            }
        });
        Exchange {
            at: world.now,
            method: self.incoming.method.to_string(),
            path: self.path.clone(),
            query: self.incoming.uri.query().unwrap_or_default().to_owned(),
            operation: self.found.as_ref().map(|found| found.operation.id.clone()),
            actor,
            status,
            cost: self.cost,
            reset: self.window.map(|window| window.reset),
            conditional: self.incoming.headers.contains_key("if-none-match"),
            request_id,
        }
    }
}

impl Answer {
    /// Cuts a list to the page that was asked for.
    fn page(&mut self, passage: &Passage, world: &World) {
        let url = format!("{}{}", world.base, passage.path);
        let (body, link) = match std::mem::replace(&mut self.content, Content::Empty) {
            Content::List(items) => {
                let (items, link) = page::cut(items, &passage.query, &url);
                (Value::Array(items), link)
            }
            Content::Counted(name, items, more) => {
                let mut body = json!({"total_count": items.len()});
                let (items, link) = page::cut(items, &passage.query, &url);
                body[name] = Value::Array(items);
                for (name, value) in more.as_object().into_iter().flatten() {
                    body[name] = value.clone();
                }
                (body, link)
            }
            other => {
                self.content = other;
                return;
            }
        };
        self.content = Content::Json(body);
        self.headers.extend(link.map(|link| ("link", link)));
    }

    fn tag(&self, accept: &str) -> String {
        match &self.content {
            Content::Json(body) => etag::of(body.to_string().as_bytes(), accept),
            Content::Raw(_, body) => etag::of(body, accept),
            _ => etag::of(b"", accept),
        }
    }
}

impl Outgoing {
    fn media_type(&self) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(name, _)| *name == "content-type")?;
        value.split(';').next()
    }

    /// The body as it is checked: text that is not JSON is a JSON string.
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| String::from_utf8_lossy(&self.body).into_owned().into())
    }
}

impl World {
    /// The running hour of the one who asks.
    pub(crate) fn window(&mut self, actor: Actor) -> &mut Window {
        let settings = &self.settings;
        let limit = if actor == Actor::Anonymous { settings.anonymous_quota } else { settings.hourly_quota };
        self.quotas.window(actor, limit, signed(settings.hour), self.now)
    }
}

/// GitHub redirects to addresses by number, which lead to all that is below a repository. It describes them as those by
/// name; a number that nothing has leads to a name that nothing can have.
fn by_number(world: &World, path: &str) -> Option<String> {
    let rest = path.strip_prefix("/repositories/")?;
    let (number, below) =
        rest.split_once('/').map_or((rest, String::new()), |(number, below)| (number, format!("/{below}")));
    let number: Id = number.parse().ok()?;
    let name = world.repositories.get(&number).map(|repository| world.full_name(repository));
    Some(format!("/repos/{}{below}", name.unwrap_or_else(|| format!("-/{number}"))))
}

fn spend(world: &mut World, actor: Actor, counted: &mut Option<Window>) -> Result<(), Answer> {
    let window = world.window(actor);
    let exhausted = window.remaining() == 0;
    if !exhausted {
        window.used += 1;
    }
    *counted = Some(*window);
    if !exhausted {
        return Ok(());
    }
    let who = match actor {
        Actor::User(user) => format!("user ID {user}"),
        Actor::Installation(installation) => format!("installation ID {installation}"),
        Actor::Anonymous | Actor::App(_) => "127.0.0.1".to_owned(),
    };
    let message = format!("API rate limit exceeded for {who}.");
    Err(Answer::error(world.settings.quota_status, &message, QUOTA_DOCUMENTATION))
}

fn refund(world: &mut World, actor: Actor) -> Window {
    let window = world.window(actor);
    window.used = window.used.saturating_sub(1);
    *window
}

/// The `x-ratelimit` headers.
fn shown(window: Window) -> [(&'static str, String); 5] {
    [
        ("x-ratelimit-limit", window.limit.to_string()),
        ("x-ratelimit-remaining", window.remaining().to_string()),
        ("x-ratelimit-used", window.used.to_string()),
        ("x-ratelimit-reset", window.reset.as_second().to_string()),
        ("x-ratelimit-resource", "core".to_owned()),
    ]
}

fn slow_down(world: &mut World, actor: Actor) -> Result<(), Answer> {
    let (most, now) = (world.settings.writes_per_minute, world.now);
    match world.quotas.write(actor, most, now) {
        None => Ok(()),
        Some(wait) => Err(secondary(Some(wait))),
    }
}

/// GitHub's answer to too many requests at once. Not always does it say how long to wait.
pub(crate) fn secondary(wait: Option<std::time::Duration>) -> Answer {
    let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out \
                   to GitHub Support for help, please include the request ID.";
    let documentation = format!("{QUOTA_DOCUMENTATION}#about-secondary-rate-limits");
    let answer = Answer::error(403, message, &documentation);
    match wait {
        Some(wait) => answer.header("retry-after", wait.as_secs().to_string()),
        None => answer,
    }
}
