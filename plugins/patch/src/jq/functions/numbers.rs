//! Mathematics.

use super::collections::absolute;
use super::{Function, bome, native, v};
use crate::jq::errors::unfit;
use crate::jq::value::{Result, Value};

/// A function from float to float.
macro_rules! float {
    ($name:literal, $function:expr) => {
        native!($name, |value: &Value| Ok(Value::Float($function(float($name, value)?))))
    };
    ($name:literal, $function:expr, 2) => {
        native!(
            $name,
            |_: &Value, x: &Value, y: &Value| Ok(Value::Float($function(float($name, x)?, float($name, y)?))),
            2
        )
    };
}

pub(super) fn all() -> Vec<Function> {
    let mut all = basic();
    all.extend(transcendental());
    all.extend(of_two());
    all
}

fn basic() -> Vec<Function> {
    vec![
        native!("nan", |_| Ok(Value::Float(f64::NAN))),
        native!("infinite", |_| Ok(Value::Float(f64::INFINITY))),
        native!("isnan", |value: &Value| match value {
            Value::Null => Ok(Value::Bool(false)),
            value => Ok(Value::Bool(float("isnan", value)?.is_nan())),
        }),
        native!("isfinite", |value: &Value| Ok(Value::Bool(
            value.as_float().is_some_and(|number| !number.is_infinite())
        ))),
        native!("isinfinite", |value: &Value| Ok(Value::Bool(value.as_float().is_some_and(f64::is_infinite)))),
        native!("isnormal", |value: &Value| Ok(Value::Bool(value.as_float().is_some_and(f64::is_normal)))),
        native!("abs", |value: &Value| if value.is_number() { absolute(value) } else { Err(unfit("abs", value)) }),
        float!("floor", f64::floor),
        float!("ceil", f64::ceil),
        float!("round", f64::round),
        float!("trunc", f64::trunc),
        float!("rint", f64::round_ties_even),
        float!("nearbyint", f64::round_ties_even),
        float!("fabs", f64::abs),
        float!("sqrt", f64::sqrt),
        float!("significand", significand),
        float!("logb", logb),
        native!("frexp", |value: &Value| {
            let (fraction, exponent) = libm::frexp(float("frexp", value)?);
            Ok([Value::Float(fraction), Value::Int(exponent.into())].into_iter().collect())
        }),
        native!("modf", |value: &Value| {
            let number = float("modf", value)?;
            // What is infinite has no fraction.
            let fraction = if number.is_infinite() { f64::NAN } else { number - number.trunc() };
            Ok([Value::Float(fraction), Value::Float(number.trunc())].into_iter().collect())
        }),
    ]
}

fn transcendental() -> Vec<Function> {
    vec![
        float!("cbrt", f64::cbrt),
        float!("sin", f64::sin),
        float!("cos", f64::cos),
        float!("tan", f64::tan),
        float!("asin", f64::asin),
        float!("acos", f64::acos),
        float!("atan", f64::atan),
        float!("sinh", f64::sinh),
        float!("cosh", f64::cosh),
        float!("tanh", f64::tanh),
        float!("asinh", libm::asinh),
        float!("acosh", libm::acosh),
        float!("atanh", libm::atanh),
        float!("exp", f64::exp),
        float!("exp2", f64::exp2),
        float!("exp10", |number| 10_f64.powf(number)),
        float!("expm1", f64::exp_m1),
        float!("log", f64::ln),
        float!("log2", f64::log2),
        float!("log10", f64::log10),
        float!("log1p", f64::ln_1p),
        float!("gamma", libm::tgamma),
        float!("tgamma", libm::tgamma),
        float!("lgamma", libm::lgamma),
        float!("erf", libm::erf),
        float!("erfc", libm::erfc),
        float!("j0", libm::j0),
        float!("j1", libm::j1),
        float!("y0", libm::y0),
        float!("y1", libm::y1),
    ]
}

fn of_two() -> Vec<Function> {
    vec![
        float!("pow", f64::powf, 2),
        float!("atan2", f64::atan2, 2),
        float!("hypot", f64::hypot, 2),
        float!("fmod", |x: f64, y: f64| x % y, 2),
        float!("fmin", least, 2),
        float!("fmax", |x: f64, y: f64| -least(-x, -y), 2),
        float!("fdim", libm::fdim, 2),
        float!("copysign", f64::copysign, 2),
        float!("drem", remainder, 2),
        float!("remainder", libm::remainder, 2),
        float!("nextafter", libm::nextafter, 2),
        float!("nexttoward", libm::nextafter, 2),
        float!("ldexp", scaled, 2),
        float!("scalb", scaled, 2),
        float!("scalbln", scaled, 2),
        float!("jn", |n, x| libm::jn(order(n), x), 2),
        float!("yn", |n, x| libm::yn(order(n), x), 2),
        native!(
            "fma",
            |_: &Value, x, y, z| Ok(Value::Float(float("fma", x)?.mul_add(float("fma", y)?, float("fma", z)?))),
            3
        ),
    ]
}

fn float(name: &str, value: &Value) -> Result<f64> {
    value.as_float().ok_or_else(|| unfit(name, value))
}

/// What is not a number wins.
fn least(x: f64, y: f64) -> f64 {
    if x.is_nan() || y.is_nan() { f64::NAN } else { x.min(y) }
}

fn remainder(x: f64, y: f64) -> f64 {
    let rest = libm::remainder(x, y);
    if rest == 0.0 { rest.copysign(x) } else { rest }
}

/// The exponent in base two.
fn logb(number: f64) -> f64 {
    match number {
        0.0 => f64::NEG_INFINITY,
        number if number.is_infinite() => f64::INFINITY,
        number if number.is_nan() => number,
        number => f64::from(libm::ilogb(number)),
    }
}

/// The mantissa, from 1 to below 2.
fn significand(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() { number } else { scaled(number, -logb(number)) }
}

fn scaled(number: f64, exponent: f64) -> f64 {
    libm::scalbn(number, order(exponent))
}

#[expect(clippy::cast_possible_truncation, reason = "cutting is what is asked for, and the cast saturates")]
fn order(number: f64) -> i32 {
    number as i32
}
