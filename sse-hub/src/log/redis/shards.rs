//! Several servers that share the topics.

use std::collections::HashSet;

use redis::IntoConnectionInfo as _;

use crate::log::EngineError;
use crate::log::redis::address;
use crate::log::redis::engine::RedisEngine;
use crate::log::redis::error::ConnectError;
use crate::log::redis::options::RedisOptions;
use crate::log::redis::shard_note;
use crate::log::sharded::{Placement, Sharded, ShardsError};

/// One of several servers that share the topics: its URL, and its name, which decides which topics are in
/// it.
///
/// By default, the name is the server's address and the number of the database, as the URL has them: that
/// of `redis://10.0.0.1/` is `10.0.0.1:6379/0`. So all nodes must have the same addresses; and a server
/// that moves to another one needs its old address as its [name](Self::name), or a name of its own from the
/// beginning.
///
/// ```
/// use sse_hub::redis::RedisShard;
///
/// let moved = RedisShard::new("redis://10.0.0.9/").name("10.0.0.1:6379/0");
/// ```
#[derive(Clone)]
#[must_use = "a shard does nothing until it is connected"]
pub struct RedisShard {
    url: String,
    name: Option<String>,
}

impl RedisShard {
    /// Creates a shard with the name of its server's address.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            name: None,
        }
    }

    /// Sets the name, any text that no other shard has.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl<U: Into<String>> From<U> for RedisShard {
    fn from(url: U) -> Self {
        Self::new(url)
    }
}

/// The URL may have a password.
impl std::fmt::Debug for RedisShard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisShard")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl RedisEngine {
    /// Connects to several servers with the default options: each topic is in one of them. See
    /// [`Sharded`] for what that means, and for adding a server later.
    ///
    /// ```no_run
    /// use sse_hub::Hub;
    /// use sse_hub::redis::RedisEngine;
    ///
    /// # async fn connect() -> Result<Hub, Box<dyn std::error::Error>> {
    /// let servers = ["redis://10.0.0.1/", "redis://10.0.0.2/", "redis://10.0.0.3/"];
    /// let key = std::env::var("ID_KEY")?.parse()?; // the same on all nodes
    /// let engine = RedisEngine::sharded(servers).await?;
    /// let (hub, driver) = Hub::builder().engine(engine).id_key(key).build();
    /// tokio::spawn(driver);
    /// # Ok(hub)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`RedisOptions::connect_sharded`].
    pub async fn sharded<S: Into<RedisShard>>(
        shards: impl IntoIterator<Item = S>,
    ) -> Result<Sharded<Self>, ShardsError<ConnectError>> {
        RedisOptions::new().connect_sharded(shards).await
    }
}

impl RedisOptions {
    /// Connects to several servers, as [`RedisEngine::sharded`] does.
    ///
    /// # Errors
    ///
    /// [`ShardsError`] if there is no server or there are more than 256, if two have the same name or are
    /// the same database, if one of them cannot be connected, or if one has another name or others with it
    /// than for the nodes that were there before.
    ///
    /// # The note on each server
    ///
    /// Each server keeps its name and those of all in the key `prefix:shard`, such as
    /// `"1" of ["1", "2", "3"]`, which the first node writes. A node with other shards is refused, as it would
    /// publish where the others do not read; and so is one that [connects](Self::connect) to one of the
    /// servers alone. Each new connection looks at the note, so that a name or a proxy that leads to another one of the
    /// servers is noticed: publishing fails then. To change the shards, stop all nodes and delete the key on each of the servers. A
    /// server that has lost its data has lost the note as well; the next node that starts writes it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections.
    pub async fn connect_sharded<S: Into<RedisShard>>(
        self,
        shards: impl IntoIterator<Item = S>,
    ) -> Result<Sharded<RedisEngine>, ShardsError<ConnectError>> {
        let mut addresses = HashSet::new();
        let mut named = Vec::new();
        for (index, shard) in shards.into_iter().enumerate() {
            let RedisShard { url, name } = shard.into();
            let address = match url.as_str().into_connection_info() {
                Ok(info) => address::of(&info),
                Err(invalid) => {
                    // Which connects to nothing, and has its own reason.
                    let error = self.connect_shard(&url).await.err();
                    return Err(ShardsError::Connect {
                        shard: name.unwrap_or_else(|| format!("#{}", index + 1)),
                        error: error.unwrap_or_else(|| ConnectError::Url(invalid.into())),
                    });
                }
            };
            let name = name.unwrap_or_else(|| address.clone());
            if !addresses.insert(address) {
                return Err(ShardsError::Duplicate { shard: name });
            }
            named.push((name, url));
        }
        let (placement, urls) = Placement::new(named)?;
        let failed = |shard: &String, error| ShardsError::Connect {
            shard: shard.clone(),
            error,
        };
        let names = placement.names();
        let mut engines = Vec::with_capacity(urls.len());
        for (name, url) in names.iter().zip(urls) {
            let connected = self.clone().connect_shard(&url).await;
            engines.push(connected.map_err(|error| failed(name, error))?);
        }
        note_all(names, &engines).await?;
        for (name, engine) in names.iter().zip(&engines) {
            let note = shard_note::note(name, names);
            engine.link.commands.shard_note.set(Some(note));
        }
        Ok(Sharded::on(placement, engines))
    }
}

/// Notes on each server which shard it is, unless one of them is another. In that case, nothing is noted.
async fn note_all(
    names: &[String],
    engines: &[RedisEngine],
) -> Result<(), ShardsError<ConnectError>> {
    let failed = |name: &String, error: EngineError| ShardsError::Connect {
        shard: name.clone(),
        error: ConnectError::Server(error.into()),
    };
    let mut without = Vec::new();
    for (name, engine) in names.iter().zip(engines) {
        let found = shard_note::find(&engine.link).await;
        match found.map_err(|error| failed(name, error))? {
            None => without.push((name, &engine.link)),
            Some(found) if found == shard_note::note(name, names) => {}
            Some(found) => {
                return Err(ShardsError::OtherShards {
                    shard: name.clone(),
                    found,
                });
            }
        }
    }
    for (index, (name, link)) in without.iter().enumerate() {
        let note = shard_note::note(name, names);
        let noted = async {
            shard_note::write(link, &note).await?;
            shard_note::find(link).await
        };
        let found = noted.await.map_err(|error| failed(name, error))?;
        let found = found.unwrap_or_default();
        if found == note {
            continue;
        }
        let before = &without[..index];
        // The same database has got the note of a server before it in the list.
        let is_same = before
            .iter()
            .any(|(name, _)| found == shard_note::note(name, names));
        for (name, link) in before {
            shard_note::remove(link)
                .await
                .map_err(|error| failed(name, error))?;
        }
        let shard = (*name).clone();
        return Err(if is_same {
            ShardsError::Duplicate { shard }
        } else {
            ShardsError::OtherShards { shard, found }
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_server_and_the_same_one_twice_are_refused_before_anything_is_connected() {
        let none = RedisEngine::sharded(Vec::<String>::new()).await;
        assert!(matches!(none, Err(ShardsError::NoShards)), "{none:?}");
        let twice = ["redis://127.0.0.1:1/2", "redis://u:p@127.0.0.1:1/2"];
        let refused = RedisEngine::sharded(twice).await;
        assert!(
            matches!(&refused, Err(ShardsError::Duplicate { shard }) if shard == "127.0.0.1:1/2"),
            "{refused:?}"
        );
        let named = twice.map(|url| RedisShard::new(url).name(url));
        let refused = RedisEngine::sharded(named).await;
        assert!(matches!(refused, Err(ShardsError::Duplicate { .. })));
        let same = ["redis://a/", "redis://b/"].map(|url| RedisShard::new(url).name("x"));
        let refused = RedisEngine::sharded(same).await;
        assert!(matches!(&refused, Err(ShardsError::Duplicate { shard }) if shard == "x"));
    }

    #[tokio::test]
    async fn an_invalid_url_is_named_without_its_password() {
        let urls = ["redis://127.0.0.1:1/", "redis://:secret@"];
        let refused = RedisEngine::sharded(urls).await.expect_err("refused");
        assert!(matches!(
            &refused,
            ShardsError::Connect { shard, error: ConnectError::Url(_) } if shard == "#2"
        ));
        assert!(!format!("{refused:?} {refused}").contains("secret"));
    }
}
