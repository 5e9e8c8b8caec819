//! The `link` header that leads from page to page (RFC 8288).

/// The address of the next page.
pub(super) fn next(header: &str) -> Option<String> {
    // Addresses may hold commas and semicolons, so the brackets lead and not those.
    let mut rest = header;
    while let Some(start) = rest.find('<') {
        let (address, after) = rest[start + 1..].split_once('>')?;
        let parameters = after.split('<').next().unwrap_or_default();
        let relations = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
        for (name, value) in relations {
            let value = value.trim().trim_end_matches(',').trim().trim_matches('"');
            if name.trim().eq_ignore_ascii_case("rel") && value.split(' ').any(|relation| relation == "next") {
                return Some(address.to_owned());
            }
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn the_next_page_is_found_among_others() {
        let header = r#"<https://h/x?page=1>; rel="prev", <https://h/x?q=a,b;c&page=3>; rel="next", <https://h/x?page=9>; rel="last""#;
        assert_eq!(next(header).as_deref(), Some("https://h/x?q=a,b;c&page=3"));
        assert_eq!(next(r#"<https://h/x?page=1>; rel="first prev""#), None);
        assert_eq!(next(""), None);
        assert_eq!(next("<https://h"), None);
    }
}
