//! Fields and their owners in messages. There may be any number of either, so that the first few are named and the others counted.

use std::fmt::Display;

use capstan_sdk::cluster::Owner;

/// Names that are told of one sort. A condition and an event are to hold the rest of the message too.
const TOLD: usize = 5;

/// `kubectl owns .data.x, .data.y; helm owns .data.z`
pub(crate) fn told(owners: &[Owner]) -> String {
    let mut managers: Vec<&str> = Vec::new();
    for owner in owners {
        if !managers.contains(&owner.manager.as_str()) {
            managers.push(&owner.manager);
        }
    }
    let fields =
        |manager: &str| shortened(owners.iter().filter(|each| each.manager == manager).map(|each| &each.field));
    let each = managers.iter().take(TOLD).map(|manager| format!("{manager} owns {}", fields(manager)));
    let told = each.collect::<Vec<_>>().join("; ");
    match managers.len().saturating_sub(TOLD) {
        0 => told,
        more => format!("{told}; and {more} more own fields"),
    }
}

/// `a, b and 3 more`
pub(crate) fn shortened(names: impl Iterator<Item = impl Display>) -> String {
    let mut told = String::new();
    let mut more: usize = 0;
    for (index, name) in names.enumerate() {
        match index {
            0 => told = name.to_string(),
            1..TOLD => told = format!("{told}, {name}"),
            _ => more += 1,
        }
    }
    if more > 0 { format!("{told} and {more} more") } else { told }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(manager: &str, field: usize) -> Owner {
        Owner { manager: manager.to_owned(), field: format!(".data.f{field}") }
    }

    #[test]
    fn fields_are_told_by_who_owns_them() {
        let owners = [owner("helm", 0), owner("kubectl", 1), owner("helm", 2)];
        assert_eq!(told(&owners), "helm owns .data.f0, .data.f2; kubectl owns .data.f1");
        assert_eq!(told(&owners[..1]), "helm owns .data.f0");
    }

    #[test]
    fn of_many_the_first_are_told_and_the_others_counted() {
        let fields: Vec<Owner> = (0..60).map(|field| owner("helm", field)).collect();
        assert_eq!(told(&fields), "helm owns .data.f0, .data.f1, .data.f2, .data.f3, .data.f4 and 55 more");
        assert_eq!(told(&fields[..6]), "helm owns .data.f0, .data.f1, .data.f2, .data.f3, .data.f4 and 1 more");
        let managers: Vec<Owner> = (0..7).map(|number| owner(&format!("m{number}"), 0)).collect();
        let told = told(&managers);
        assert!(told.ends_with("; m4 owns .data.f0; and 2 more own fields"), "{told}");
    }
}
