//! Addresses that a name leads to, as four or sixteen bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use capstan_sandbox::boundary::may_connect;

pub(crate) fn run(input: &[u8]) {
    let mut bytes = [0; 16];
    let length = input.len().min(16);
    bytes[..length].copy_from_slice(&input[..length]);
    v6(Ipv6Addr::from(bytes));
    let [a, b, c, d, ..] = bytes;
    v4(Ipv4Addr::new(a, b, c, d));
}

fn v4(address: Ipv4Addr) {
    let verdict = |address: IpAddr| [may_connect(address, false), may_connect(address, true)];
    let own = verdict(address.into());
    let special = address.is_loopback() || address.is_private() || address.is_link_local() || address.is_unspecified();
    let special = special || address.is_broadcast() || address.is_multicast() || address.is_documentation();
    assert!(!(special && own[0]), "{address} is open to everybody");
    let nobodys = address.is_link_local() || address.is_multicast() || address.is_unspecified();
    assert!(!(nobodys && own[1]), "{address} can be granted");
    assert!(own[1] || !own[0], "{address} is open to everybody but those who have more");

    // Wherever it is carried in an IPv6 address, it leads to the same place.
    let [a, b, c, d] = address.octets().map(u16::from);
    let (high, low) = (a << 8 | b, c << 8 | d);
    for carrier in [
        address.to_ipv6_mapped(),
        Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
    ] {
        assert_eq!(verdict(carrier.into()), own, "{carrier} is not what {address} is");
    }
}

fn v6(address: Ipv6Addr) {
    let open = |private| may_connect(address.into(), private);
    let special = address.is_loopback() || address.is_unspecified() || address.is_multicast();
    let special = special || address.is_unique_local() || address.is_unicast_link_local();
    assert!(!(special && open(false)), "{address} is open to everybody");
    let nobodys = address.is_unspecified() || address.is_multicast() || address.is_unicast_link_local();
    assert!(!(nobodys && open(true)), "{address} can be granted");
    assert!(open(true) || !open(false), "{address} is open to everybody but those who have more");
}
