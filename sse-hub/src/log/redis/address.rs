//! The address of a database, for logs and as the name of a shard.

use redis::{ConnectionAddr, ConnectionInfo};

/// Returns the address: `host:port/database`.
pub(super) fn of(info: &ConnectionInfo) -> String {
    let database = info.redis_settings().db();
    match info.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            format!("{}:{port}/{database}", host.to_ascii_lowercase())
        }
        other => format!("{other}/{database}"),
    }
}

#[cfg(test)]
mod tests {
    use redis::IntoConnectionInfo as _;

    use super::*;

    #[test]
    fn an_address_is_of_a_server_and_a_database_without_users_and_passwords() {
        for (url, expected) in [
            ("redis://10.0.0.1", "10.0.0.1:6379/0"),
            ("redis://10.0.0.1/", "10.0.0.1:6379/0"),
            ("redis://user:secret@10.0.0.1:6379/0", "10.0.0.1:6379/0"),
            ("redis://10.0.0.1:6380/3", "10.0.0.1:6380/3"),
            ("redis://One.Example/", "one.example:6379/0"),
            ("redis://[::1]:1/", "::1:1/0"),
            ("unix:///run/redis.sock", "/run/redis.sock/0"),
        ] {
            let info = url.into_connection_info().expect(url);
            assert_eq!(of(&info), expected, "{url}");
        }
    }
}
