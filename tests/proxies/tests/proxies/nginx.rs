//! nginx starts, serves, restarts and reports an invalid configuration.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use sse_proxies::{Nginx, ProxyError};

fn get(address: SocketAddr) -> String {
    let mut io = TcpStream::connect(address).expect("a connection");
    io.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("sent");
    let mut response = String::new();
    io.read_to_string(&mut response).expect("a response");
    response
}

#[test]
fn nginx_serves_and_serves_again_after_it_was_killed() {
    if sse_proxies::skipped() {
        return;
    }
    let mut nginx = Nginx::start("return 200 here;").expect("started");
    assert!(get(nginx.address()).ends_with("\r\n\r\nhere"));
    nginx.reload().expect("reloaded");
    assert!(get(nginx.address()).ends_with("\r\n\r\nhere"));
    nginx.kill();
    nginx.restart().expect("started");
    assert!(get(nginx.address()).ends_with("\r\n\r\nhere"));
}

#[test]
fn an_invalid_configuration_is_reported() {
    if sse_proxies::skipped() {
        return;
    }
    let error = Nginx::start("frobnicate on;").expect_err("no such directive");
    let ProxyError::Configuration(text) = error else {
        panic!("{error:?}");
    };
    assert!(text.contains("frobnicate"), "{text}");
}
