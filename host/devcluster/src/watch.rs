//! Watches: streams of changes, one JSON object a line.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use serde_json::{Map, Value, json};
use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::encode::Encoder;
use crate::request::accept::{Meta, Representation};
use crate::request::query::ListOptions;
use crate::selector::Filter;
use crate::status::{Reason, Refusal};
use crate::store::{Change, Object, Store};
use crate::table::{self, IncludeObject};

/// How long a watch lasts that asks for no timeout.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(30);

/// What is longer than this is as good as for ever, and still a time that a clock can tell.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// A watch that is shorter ends without the bookmark that others end with.
const SHORTEST_WITH_BOOKMARK: Duration = Duration::from_secs(2);

/// Changes that wait are sent together up to this size, so that a burst does not cost a write per event.
const CHUNK: usize = 64 * 1024;

/// What a watch needs to know beside its options.
pub(crate) struct WatchContext {
    pub(crate) filter: Filter,
    pub(crate) encoder: Encoder,
    pub(crate) representation: Representation,
    pub(crate) include: IncludeObject,
    pub(crate) bookmark_interval: Duration,
    /// Ends the watch when the server stops.
    pub(crate) shutdown: CancellationToken,
}

/// Starts a watch. What has happened already is collected now, under the store's lock, so that no change is lost between.
pub(crate) fn open(store: &mut Store, context: WatchContext, options: &ListOptions) -> Result<Body, Refusal> {
    let requested = requested_revision(options)?;
    let mut lines = Lines::new(context);
    let collection_name = Arc::clone(&lines.encoder.resource.collection);
    let receiver = store.subscribe(&collection_name);
    let current = store.revision();
    let collection = store.collection_mut(&collection_name);
    let mut expired = false;
    if requested == 0 && options.send_initial_events == Some(false) {
        lines.revision = current;
    } else if requested == 0 {
        let within = lines.filter.namespace.clone();
        for (namespace, name, object) in collection.objects(within.as_deref()) {
            if lines.filter.matches_named(namespace, name, &object.value) {
                lines.object("ADDED", object);
            }
        }
        lines.revision = current;
        if options.send_initial_events == Some(true) && options.allow_bookmarks {
            lines.bookmark(true);
        }
    } else {
        match collection.changes_since(requested) {
            Ok(changes) => changes.for_each(|change| lines.change(change)),
            Err(oldest) => {
                let message = format!("too old resource version: {requested} ({oldest})");
                lines.error(&Refusal::new(Reason::Expired, message));
                expired = true;
            }
        }
        lines.revision = lines.revision.max(requested);
    }
    let timeout = options.timeout_seconds.map_or(DEFAULT_TIMEOUT, Duration::from_secs).min(LONGEST);
    let now = Instant::now();
    let stream = Stream {
        receiver: if expired { None } else { Some(receiver) },
        bookmarks: options.allow_bookmarks.then_some(lines.bookmark_interval),
        ends_with_bookmark: options.allow_bookmarks && timeout > SHORTEST_WITH_BOOKMARK,
        next_bookmark: now + lines.bookmark_interval,
        deadline: now + timeout,
        lines,
    };
    Ok(Body::from_stream(stream::unfold(stream, |mut stream| async move {
        let chunk = stream.next().await?;
        Some((Ok::<_, std::convert::Infallible>(chunk), stream))
    })))
}

/// The revision to start from; 0 stands for "whatever there is now".
fn requested_revision(options: &ListOptions) -> Result<u64, Refusal> {
    let Some(text) = options.resource_version.as_deref() else {
        return Ok(0);
    };
    let requested = text.parse().map_err(|_| {
        let cause = format!("strconv.ParseUint: parsing {text:?}: invalid syntax");
        Refusal::unclassified(format!("resourceVersion: Invalid value: {text:?}: {cause}"))
    })?;
    // With initial events the revision is only a lower bound, which the current state always meets.
    Ok(if options.send_initial_events == Some(true) { 0 } else { requested })
}

/// The live part of a watch.
struct Stream {
    /// `None` once nothing more is to come than what is buffered.
    receiver: Option<broadcast::Receiver<Arc<Change>>>,
    lines: Lines,
    bookmarks: Option<Duration>,
    ends_with_bookmark: bool,
    next_bookmark: Instant,
    deadline: Instant,
}

impl Stream {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if !self.lines.buffer.is_empty() {
                return Some(std::mem::take(&mut self.lines.buffer).into());
            }
            let changes = self.receiver.as_mut()?;
            tokio::select! {
                biased;
                () = self.lines.shutdown.cancelled() => return None,
                received = changes.recv() => match received {
                    Ok(change) => {
                        self.lines.change(&change);
                        self.drain();
                    }
                    // The client is too slow: it has to list again. Closed: what is served here has changed.
                    Err(RecvError::Lagged(_) | RecvError::Closed) => return None,
                },
                () = tokio::time::sleep_until(self.next_bookmark), if self.bookmarks.is_some() => {
                    self.next_bookmark += self.bookmarks.unwrap_or(DEFAULT_TIMEOUT);
                    self.lines.bookmark(false);
                }
                () = tokio::time::sleep_until(self.deadline) => {
                    self.receiver = None;
                    if self.ends_with_bookmark {
                        self.lines.bookmark(false);
                    }
                }
            }
        }
    }

    /// Takes what else is waiting, to send it in the same chunk.
    fn drain(&mut self) {
        while self.lines.buffer.len() < CHUNK
            && let Some(receiver) = &mut self.receiver
        {
            match receiver.try_recv() {
                Ok(change) => self.lines.change(&change),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Lagged(_) | TryRecvError::Closed) => self.receiver = None,
            }
        }
    }
}

/// Turns changes into the lines of the stream.
struct Lines {
    filter: Filter,
    encoder: Encoder,
    representation: Representation,
    include: IncludeObject,
    bookmark_interval: Duration,
    shutdown: CancellationToken,
    buffer: Vec<u8>,
    /// The newest revision that the client knows, for bookmarks.
    revision: u64,
    /// Only the first table of a stream defines the columns.
    columns_sent: bool,
}

impl Lines {
    fn new(context: WatchContext) -> Self {
        Self {
            filter: context.filter,
            encoder: context.encoder,
            representation: context.representation,
            include: context.include,
            bookmark_interval: context.bookmark_interval,
            shutdown: context.shutdown,
            buffer: Vec::new(),
            revision: 0,
            columns_sent: false,
        }
    }

    /// A change as this watch sees it: an object may enter or leave the selection.
    fn change(&mut self, change: &Change) {
        if change.revision <= self.revision {
            return;
        }
        self.revision = change.revision;
        let matches = |object: &Object| self.filter.matches(&change.at, &object.value);
        let is_selected = !change.deleted && matches(&change.object);
        let was_selected = change.previous.as_deref().is_some_and(matches);
        match (was_selected, is_selected) {
            (true, true) => self.object("MODIFIED", &change.object),
            (false, true) => self.object("ADDED", &change.object),
            (true, false) if change.deleted => self.object("DELETED", &change.object),
            (true, false) => {
                // The client gets the state it knows, at the revision at which it left the selection.
                if let Some(previous) = &change.previous {
                    let left = previous.at_revision(change.revision);
                    self.object("DELETED", &left);
                }
            }
            (false, false) => {}
        }
    }

    fn object(&mut self, event: &str, object: &Object) {
        self.buffer.extend_from_slice(format!("{{\"type\":\"{event}\",\"object\":").as_bytes());
        match self.representation {
            Representation::Table(meta) => {
                let sent = self.encoder.value(object);
                let row = table::row(&self.encoder.resource, &object.value, &sent, self.include, meta);
                let revision = object.revision.to_string();
                self.table(row, &revision, meta);
            }
            Representation::Metadata(meta) | Representation::MetadataList(meta) => {
                let metadata = table::partial_metadata(&self.encoder.value(object), meta);
                self.json(&metadata);
            }
            _ => self.encoder.write(object, true, &mut self.buffer),
        }
        self.buffer.extend_from_slice(b"}\n");
    }

    fn table(&mut self, row: Value, revision: &str, meta: Meta) {
        let definitions =
            if self.columns_sent { Value::Null } else { table::column_definitions(&self.encoder.resource) };
        self.columns_sent = true;
        let metadata = Map::from_iter([("resourceVersion".to_owned(), json!(revision))]);
        let table = table::table(&definitions, &[row], &metadata, meta);
        self.json(&table);
    }

    /// A bookmark has the form of the objects of the watch.
    fn bookmark(&mut self, initial_events_end: bool) {
        let resource = Arc::clone(&self.encoder.resource);
        let revision = self.revision.to_string();
        let mut object = json!({
            "kind": resource.kind,
            "apiVersion": resource.api_version(),
            "metadata": {"resourceVersion": revision},
        });
        if initial_events_end {
            object["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        self.buffer.extend_from_slice(b"{\"type\":\"BOOKMARK\",\"object\":");
        match self.representation {
            Representation::Table(meta) => {
                // The annotation is sent whatever the client wants of objects.
                let include = match self.include {
                    IncludeObject::None if initial_events_end => IncludeObject::Metadata,
                    include => include,
                };
                let row = table::row(&resource, &object, &object, include, meta);
                self.table(row, &revision, meta);
            }
            Representation::Metadata(meta) | Representation::MetadataList(meta) => {
                self.json(&table::partial_metadata(&object, meta));
            }
            _ => self.json(&object),
        }
        self.buffer.extend_from_slice(b"}\n");
    }

    fn error(&mut self, refusal: &Refusal) {
        self.json(&json!({"type": "ERROR", "object": refusal.to_status()}));
        self.buffer.push(b'\n');
    }

    fn json(&mut self, value: &Value) {
        self.buffer.extend_from_slice(value.to_string().as_bytes());
    }
}
