//! Which addresses may be connected to.
//!
//! The special ranges are those of the IANA registries for IPv4 and IPv6. What carries an IPv4 address inside is judged by
//! that address, since that is where it leads.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What an address leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The internet.
    Public,
    /// This machine, a local network, or the cluster: for who was granted it.
    Private,
    /// The link, where clouds keep the secrets of the machine; many receivers; nobody. For no one.
    Forbidden,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(first: u16, second: u16, third: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0), length)
}

const PRIVATE_V4: [Ipv4Net; 6] = [
    v4(10, 0, 0, 0, 8),
    // Shared by carriers and their customers; clusters use it for pods.
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(172, 16, 0, 0, 12),
    v4(192, 168, 0, 0, 16),
    // For measurements in a laboratory; clusters use it too.
    v4(198, 18, 0, 0, 15),
];

const FORBIDDEN_V4: [Ipv4Net; 12] = [
    v4(0, 0, 0, 0, 8),
    // The link, with the metadata services of most clouds.
    v4(169, 254, 0, 0, 16),
    // Protocol assignments, with Oracle's metadata service.
    v4(192, 0, 0, 0, 24),
    // Examples in documents.
    v4(192, 0, 2, 0, 24),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    // Relays that are no more.
    v4(192, 88, 99, 0, 24),
    // Metadata services outside of the link: Alibaba's, and Azure's.
    v4(100, 100, 100, 200, 32),
    v4(168, 63, 129, 16, 32),
    // Multicast, reserved, broadcast.
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
    v4(255, 255, 255, 255, 32),
];

const PRIVATE_V6: [Ipv6Net; 3] = [
    v6(0xfc00, 0, 0, 7),
    // Site-local, as it was before that.
    v6(0xfec0, 0, 0, 10),
    // Translation to IPv4 within a network.
    v6(0x64, 0xff9b, 1, 48),
];

const FORBIDDEN_V6: [Ipv6Net; 4] = [
    // Amazon's metadata service.
    Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128),
    // Protocol assignments, with Teredo, whose addresses lead through servers of others.
    v6(0x2001, 0, 0, 23),
    // Examples in documents.
    v6(0x2001, 0xdb8, 0, 32),
    v6(0x3fff, 0, 0, 20),
];

/// What is given to interfaces of the internet. Everything outside is something special.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// What an address leads to; `private` are ranges that the administrator names besides.
pub(crate) fn place(address: IpAddr, private: &[IpNet]) -> Place {
    let found = match address {
        IpAddr::V4(address) => place_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => return place(IpAddr::V4(inner), private),
            None => place_v6(address),
        },
    };
    if found == Place::Public && private.iter().any(|range| range.contains(&address)) { Place::Private } else { found }
}

fn place_v4(address: Ipv4Addr) -> Place {
    if FORBIDDEN_V4.iter().any(|range| range.contains(&address)) {
        Place::Forbidden
    } else if PRIVATE_V4.iter().any(|range| range.contains(&address)) {
        Place::Private
    } else {
        Place::Public
    }
}

fn place_v6(address: Ipv6Addr) -> Place {
    if FORBIDDEN_V6.iter().any(|range| range.contains(&address)) {
        Place::Forbidden
    } else if address.is_loopback() || PRIVATE_V6.iter().any(|range| range.contains(&address)) {
        Place::Private
    } else if GLOBAL_V6.contains(&address) {
        Place::Public
    } else {
        Place::Forbidden
    }
}

/// The IPv4 address in a mapped (`::ffff:a.b.c.d`), compatible (`::a.b.c.d`), translated (`64:ff9b::a.b.c.d`) or 6to4
/// (`2002:aabb:ccdd::`) one.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let at = |high: usize| {
        let [a, b] = segments[high].to_be_bytes();
        let [c, d] = segments[high + 1].to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0, 0, 0, 0, 0xffff, 0, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => {
            Some(at(6))
        }
        [0x2002, ..] => Some(at(1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Place {
        place(text.parse().unwrap(), &["20.0.0.0/16".parse().unwrap(), "2a00:1::/32".parse().unwrap()])
    }

    #[test]
    fn the_internet_is_public() {
        for text in ["140.82.121.6", "1.1.1.1", "2606:4700::1111", "20.1.0.1", "172.32.0.1", "100.128.0.1", "11.0.0.1"]
        {
            assert_eq!(of(text), Place::Public, "{text}");
        }
    }

    #[test]
    fn this_machine_local_networks_and_the_cluster_are_private() {
        for text in [
            "127.0.0.1",
            "127.255.255.254",
            "::1",
            "10.0.0.1",
            "10.255.255.255",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "198.18.0.1",
            "198.19.255.255",
            "fc00::1",
            "fdff::1",
            "fec0::1",
            "64:ff9b:1::1",
            "20.0.3.4",
            "2a00:1::5",
        ] {
            assert_eq!(of(text), Place::Private, "{text}");
        }
    }

    #[test]
    fn metadata_services_and_what_is_no_single_machine_are_forbidden() {
        for text in [
            "169.254.169.254",
            "169.254.0.1",
            "fd00:ec2::254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fe80::1",
            "febf::1",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "ff02::1",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "2001:db8::1",
            "2001:0::1",
            "3fff::1",
            "100::1",
            "4000::1",
        ] {
            assert_eq!(of(text), Place::Forbidden, "{text}");
        }
    }

    #[test]
    fn an_address_inside_an_address_is_what_counts() {
        for (text, expected) in [
            ("::ffff:127.0.0.1", Place::Private),
            ("::ffff:169.254.169.254", Place::Forbidden),
            ("::ffff:0:10.0.0.1", Place::Private),
            ("::10.0.0.1", Place::Private),
            ("64:ff9b::169.254.169.254", Place::Forbidden),
            ("64:ff9b::10.1.2.3", Place::Private),
            ("64:ff9b::1.1.1.1", Place::Public),
            ("2002:7f00:1::", Place::Private),
            ("2002:a9fe:a9fe::1", Place::Forbidden),
            ("::ffff:1.1.1.1", Place::Public),
            ("::ffff:20.0.0.1", Place::Private),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }
}
