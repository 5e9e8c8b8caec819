//! The functions that rules may call, and their types: one overload per line, `name: target.(arguments) -> result`.
//!
//! The list is that of the environment in which Kubernetes 1.37 compiles rules. Capital letters are type variables.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::types::Type;

const SIGNATURES: &str = "
!_: (bool) -> bool
-_: (int) -> int
-_: (double) -> double
_&&_: (bool, bool) -> bool
_||_: (bool, bool) -> bool
_?_:_: (bool, A, A) -> A
@not_strictly_false: (bool) -> bool
_==_: (A, A) -> bool
_!=_: (A, A) -> bool
@in: (A, list(A)) -> bool
@in: (A, map(A, B)) -> bool
_[_]: (list(A), int) -> A
_[_]: (map(A, B), A) -> B
_[_]: (optional(list(A)), int) -> optional(A)
_[_]: (optional(map(A, B)), A) -> optional(B)
_[?_]: (list(A), int) -> optional(A)
_[?_]: (map(A, B), A) -> optional(B)
_[?_]: (optional(list(A)), int) -> optional(A)
_[?_]: (optional(map(A, B)), A) -> optional(B)
_+_: (int, int) -> int
_+_: (uint, uint) -> uint
_+_: (double, double) -> double
_+_: (string, string) -> string
_+_: (bytes, bytes) -> bytes
_+_: (list(A), list(A)) -> list(A)
_+_: (timestamp, duration) -> timestamp
_+_: (duration, timestamp) -> timestamp
_+_: (duration, duration) -> duration
_-_: (int, int) -> int
_-_: (uint, uint) -> uint
_-_: (double, double) -> double
_-_: (timestamp, timestamp) -> duration
_-_: (timestamp, duration) -> timestamp
_-_: (duration, duration) -> duration
_*_: (int, int) -> int
_*_: (uint, uint) -> uint
_*_: (double, double) -> double
_/_: (int, int) -> int
_/_: (uint, uint) -> uint
_/_: (double, double) -> double
_%_: (int, int) -> int
_%_: (uint, uint) -> uint

size: (string) -> int
size: (bytes) -> int
size: (list(A)) -> int
size: (map(A, B)) -> int
size: string.() -> int
size: bytes.() -> int
size: list(A).() -> int
size: map(A, B).() -> int
type: (A) -> type
dyn: (A) -> dyn
bool: (bool) -> bool
bool: (string) -> bool
bytes: (string) -> bytes
bytes: (bytes) -> bytes
double: (double) -> double
double: (int) -> double
double: (uint) -> double
double: (string) -> double
int: (int) -> int
int: (uint) -> int
int: (double) -> int
int: (string) -> int
int: (timestamp) -> int
uint: (uint) -> uint
uint: (int) -> uint
uint: (double) -> uint
uint: (string) -> uint
string: (string) -> string
string: (bool) -> string
string: (int) -> string
string: (uint) -> string
string: (double) -> string
string: (bytes) -> string
string: (timestamp) -> string
string: (duration) -> string
duration: (string) -> duration
duration: (duration) -> duration
timestamp: (string) -> timestamp
timestamp: (int) -> timestamp
timestamp: (timestamp) -> timestamp
contains: string.(string) -> bool
startsWith: string.(string) -> bool
endsWith: string.(string) -> bool
matches: string.(string) -> bool
matches: (string, string) -> bool
getFullYear: timestamp.() -> int
getFullYear: timestamp.(string) -> int
getMonth: timestamp.() -> int
getMonth: timestamp.(string) -> int
getDate: timestamp.() -> int
getDate: timestamp.(string) -> int
getDayOfMonth: timestamp.() -> int
getDayOfMonth: timestamp.(string) -> int
getDayOfWeek: timestamp.() -> int
getDayOfWeek: timestamp.(string) -> int
getDayOfYear: timestamp.() -> int
getDayOfYear: timestamp.(string) -> int
getHours: timestamp.() -> int
getHours: timestamp.(string) -> int
getHours: duration.() -> int
getMinutes: timestamp.() -> int
getMinutes: timestamp.(string) -> int
getMinutes: duration.() -> int
getSeconds: timestamp.() -> int
getSeconds: timestamp.(string) -> int
getSeconds: duration.() -> int
getMilliseconds: timestamp.() -> int
getMilliseconds: timestamp.(string) -> int
getMilliseconds: duration.() -> int

optional.none: () -> optional(dyn)
optional.of: (A) -> optional(A)
optional.ofNonZeroValue: (A) -> optional(A)
optional.unwrap: (list(optional(A))) -> list(A)
unwrapOpt: list(optional(A)).() -> list(A)
hasValue: optional(A).() -> bool
value: optional(A).() -> A
or: optional(A).(optional(A)) -> optional(A)
orValue: optional(A).(A) -> A

charAt: string.(int) -> string
indexOf: string.(string) -> int
indexOf: string.(string, int) -> int
lastIndexOf: string.(string) -> int
lastIndexOf: string.(string, int) -> int
lowerAscii: string.() -> string
upperAscii: string.() -> string
replace: string.(string, string) -> string
replace: string.(string, string, int) -> string
split: string.(string) -> list(string)
split: string.(string, int) -> list(string)
substring: string.(int) -> string
substring: string.(int, int) -> string
trim: string.() -> string
join: list(string).() -> string
join: list(string).(string) -> string
format: string.(list(dyn)) -> string
strings.quote: (string) -> string
find: string.(string) -> string
findAll: string.(string) -> list(string)
findAll: string.(string, int) -> list(string)

sum: list(int).() -> int
sum: list(uint).() -> uint
sum: list(double).() -> double
sum: list(duration).() -> duration
indexOf: list(A).(A) -> int
lastIndexOf: list(A).(A) -> int
includes: dyn.(dyn) -> bool
slice: list(A).(int, int) -> list(A)
reverse: list(A).() -> list(A)
distinct: list(A).() -> list(A)
flatten: list(dyn).() -> list(dyn)
flatten: list(dyn).(int) -> list(dyn)
first: list(A).() -> optional(A)
last: list(A).() -> optional(A)
lists.range: (int) -> list(int)
sets.contains: (list(A), list(A)) -> bool
sets.equivalent: (list(A), list(A)) -> bool
sets.intersects: (list(A), list(A)) -> bool

url: (string) -> URL
isURL: (string) -> bool
getScheme: URL.() -> string
getHost: URL.() -> string
getHostname: URL.() -> string
getPort: URL.() -> string
getEscapedPath: URL.() -> string
getQuery: URL.() -> map(string, list(string))
ip: (string) -> IP
isIP: (string) -> bool
ip.isCanonical: (string) -> bool
string: (IP) -> string
family: IP.() -> int
isUnspecified: IP.() -> bool
isLoopback: IP.() -> bool
isLinkLocalMulticast: IP.() -> bool
isLinkLocalUnicast: IP.() -> bool
isGlobalUnicast: IP.() -> bool
cidr: (string) -> CIDR
isCIDR: (string) -> bool
string: (CIDR) -> string
containsIP: CIDR.(string) -> bool
containsIP: CIDR.(IP) -> bool
containsCIDR: CIDR.(string) -> bool
containsCIDR: CIDR.(CIDR) -> bool
ip: CIDR.() -> IP
prefixLength: CIDR.() -> int
masked: CIDR.() -> CIDR
quantity: (string) -> Quantity
isQuantity: (string) -> bool
sign: Quantity.() -> int
isInteger: Quantity.() -> bool
asInteger: Quantity.() -> int
asApproximateFloat: Quantity.() -> double
add: Quantity.(Quantity) -> Quantity
add: Quantity.(int) -> Quantity
sub: Quantity.(Quantity) -> Quantity
sub: Quantity.(int) -> Quantity
isGreaterThan: Quantity.(Quantity) -> bool
isLessThan: Quantity.(Quantity) -> bool
compareTo: Quantity.(Quantity) -> int
semver: (string) -> Semver
semver: (string, bool) -> Semver
isSemver: (string) -> bool
isSemver: (string, bool) -> bool
major: Semver.() -> int
minor: Semver.() -> int
patch: Semver.() -> int
isGreaterThan: Semver.(Semver) -> bool
isLessThan: Semver.(Semver) -> bool
compareTo: Semver.(Semver) -> int
format.named: (string) -> optional(Format)
format.dns1123Label: () -> Format
format.dns1123Subdomain: () -> Format
format.dns1035Label: () -> Format
format.qualifiedName: () -> Format
format.dns1123LabelPrefix: () -> Format
format.dns1123SubdomainPrefix: () -> Format
format.dns1035LabelPrefix: () -> Format
format.labelValue: () -> Format
format.uri: () -> Format
format.uuid: () -> Format
format.byte: () -> Format
format.date: () -> Format
format.datetime: () -> Format
validate: Format.(string) -> optional(list(string))
";

/// One way to call a function.
#[derive(Debug)]
pub(super) struct Overload {
    pub(super) target: Option<Type<'static>>,
    pub(super) arguments: Vec<Type<'static>>,
    pub(super) result: Type<'static>,
}

static OVERLOADS: LazyLock<HashMap<&'static str, Vec<Overload>>> = LazyLock::new(|| {
    let mut overloads: HashMap<&str, Vec<Overload>> = HashMap::new();
    for line in SIGNATURES.lines().filter(|line| !line.is_empty()) {
        let (name, overload) = parse(line).expect("the table above is read by a test");
        overloads.entry(name).or_default().push(overload);
    }
    // Ordered values compare with their own type, numbers with every number. Lists of them have an order, too.
    let numbers = [Type::Int, Type::Uint, Type::Double];
    let mut ordered: Vec<_> = numbers.iter().flat_map(|a| numbers.iter().map(|b| (a.clone(), b.clone()))).collect();
    let others = [Type::Bool, Type::String, Type::Bytes, Type::Timestamp, Type::Duration];
    ordered.extend(others.into_iter().map(|ty| (ty.clone(), ty)));
    for name in ["_<_", "_<=_", "_>_", "_>=_"] {
        let compare = |(a, b): &(Type<'static>, Type<'static>)| Overload {
            target: None,
            arguments: vec![a.clone(), b.clone()],
            result: Type::Bool,
        };
        overloads.insert(name, ordered.iter().map(compare).collect());
    }
    for (item, _) in ordered.iter().filter(|(a, b)| a.admits(b)) {
        let list = || Type::list(item.clone());
        for (name, result) in [("isSorted", Type::Bool), ("min", item.clone()), ("max", item.clone()), ("sort", list())]
        {
            let overload = Overload { target: Some(list()), arguments: Vec::new(), result };
            overloads.entry(name).or_default().push(overload);
        }
    }
    overloads
});

/// All ways to call a function of this name; none if there is no such function.
pub(super) fn overloads(name: &str) -> &'static [Overload] {
    OVERLOADS.get(name).map(Vec::as_slice).unwrap_or_default()
}

/// The names of all functions.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OVERLOADS.keys().copied()
}

fn parse(line: &'static str) -> Option<(&'static str, Overload)> {
    let (call, result) = line.split_once(" -> ")?;
    let (name, shape) = call.rsplit_once(": ")?;
    let arguments_from = if shape.starts_with('(') { 0 } else { shape.rfind(".(")? + 1 };
    let target = if arguments_from == 0 { None } else { Some(type_of(&shape[..arguments_from - 1])?) };
    let arguments = shape[arguments_from..].strip_prefix('(')?.strip_suffix(')')?;
    let arguments = split(arguments).into_iter().map(type_of).collect::<Option<_>>()?;
    Some((name, Overload { target, arguments, result: type_of(result)? }))
}

/// Splits at the commas outside parentheses.
fn split(list: &'static str) -> Vec<&'static str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, character) in list.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(list[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    if !list.is_empty() {
        parts.push(list[from..].trim());
    }
    parts
}

fn type_of(text: &'static str) -> Option<Type<'static>> {
    let boxed = |text| type_of(text).map(Box::new);
    if let Some((name, arguments)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        return match (name, split(arguments).as_slice()) {
            ("list", [item]) => Some(Type::List(boxed(item)?)),
            ("optional", [inner]) => Some(Type::Optional(boxed(inner)?)),
            ("map", [key, value]) => Some(Type::Map(boxed(key)?, boxed(value)?)),
            _ => None,
        };
    }
    Some(match text {
        "dyn" => Type::Dyn,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "timestamp" => Type::Timestamp,
        "duration" => Type::Duration,
        "type" => Type::Meta,
        "A" => Type::Variable('A'),
        "B" => Type::Variable('B'),
        "URL" => Type::Library("kubernetes.URL"),
        "IP" => Type::Library("net.IP"),
        "CIDR" => Type::Library("net.CIDR"),
        "Quantity" => Type::Library("kubernetes.Quantity"),
        "Semver" => Type::Library("kubernetes.Semver"),
        "Format" => Type::Library("kubernetes.NamedFormat"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_understood() {
        for line in SIGNATURES.lines().filter(|line| !line.is_empty()) {
            assert!(parse(line).is_some(), "{line}");
        }
        let [overload] = overloads("getQuery") else { panic!("one way to call it") };
        assert_eq!(overload.result.to_string(), "map(string, list(string))");
        assert_eq!(overloads("_<_").len(), 14);
        assert!(overloads("math.ceil").is_empty(), "Kubernetes does not have it");
    }
}
