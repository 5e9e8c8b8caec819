//! Functions written in Rust. What they answer, and say about values that they cannot take, follows gojq.

mod collections;
mod json;
mod numbers;
mod sorting;
mod strings;

use jaq_core::data::JustLut;
use jaq_core::native::{Filter, Fun, bome, run, v};
use jaq_core::{Error, Exn, Native, RunPtr};

use super::value::Value;
use super::{formats, paths, regex, time};

/// What filters compute with.
pub(super) type Data = JustLut<Value>;

type Function = Filter<RunPtr<Data>>;

/// Functions of the engine that are used, with the names that the prelude calls them by.
const ENGINE: &[(&str, &str)] = &[
    ("path", "path"),
    ("first", "first"),
    ("last", "last"),
    ("limit", "limit_positive"),
    ("skip", "skip_positive"),
    ("key_values", "key_values"),
];

/// A function of its input and up to three values, as the engine wants it.
macro_rules! native {
    ($name:literal, $function:expr) => {
        ($name, v(0), |cv| bome($function(&cv.1)))
    };
    ($name:literal, $function:expr, 1) => {
        ($name, v(1), |mut cv| {
            let argument = cv.0.pop_var();
            bome($function(&cv.1, &argument))
        })
    };
    ($name:literal, $function:expr, 2) => {
        ($name, v(2), |mut cv| {
            let (second, first) = (cv.0.pop_var(), cv.0.pop_var());
            bome($function(&cv.1, &first, &second))
        })
    };
    ($name:literal, $function:expr, 3) => {
        ($name, v(3), |mut cv| {
            let (third, second, first) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
            bome($function(&cv.1, &first, &second, &third))
        })
    };
}
use native;

/// All functions.
pub(super) fn all() -> impl Iterator<Item = Fun<Data>> {
    let engine = jaq_core::funs::<Data>().filter_map(|(name, arguments, function)| {
        let (_, ours) = ENGINE.iter().find(|(theirs, _)| *theirs == name)?;
        Some((*ours, arguments, function))
    });
    let groups = [collections::all(), json::all(), numbers::all(), sorting::all(), strings::all(), others()];
    let ours = groups.into_iter().flatten().map(run::<Data>);
    ours.chain([error()]).chain(engine)
}

/// Fails where a path is wanted, too, and not because it leads nowhere.
fn error() -> Fun<Data> {
    let native = Native::<Data>::new(|cv| bome(Err(Error::new(cv.1))));
    let native = native.with_paths(|cv| Box::new(std::iter::once(Err(Exn::from(Error::new(cv.1.0))))));
    ("error", v(0), native)
}

fn others() -> Vec<Function> {
    vec![
        native!("format", formats::by_name, 1),
        native!("getpath_or_fail", paths::get, 1),
        native!("setpath", paths::set, 2),
        native!("delpaths", paths::delete, 1),
        native!("matches", regex::matches, 3),
        native!("split", regex::split, 2),
        native!("gmtime", time::broken_down),
        native!("mktime", time::seconds),
        native!("strftime", time::format, 1),
        native!("strptime", time::parse, 1),
    ]
}
