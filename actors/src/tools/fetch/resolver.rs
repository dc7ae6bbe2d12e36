//! Resolves names and lets through only the addresses that may be connected to. The connector uses these and no others.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::address::is_public;

/// A resolver whose answers are checked.
#[derive(Clone, Debug)]
pub(super) struct Checked<R> {
    inner: R,
    takes_private: bool,
}

impl<R> Checked<R> {
    pub(super) const fn new(inner: R, takes_private: bool) -> Self {
        Self { inner, takes_private }
    }
}

impl<R> Service<Name> for Checked<R>
where
    R: Service<Name, Error = io::Error>,
    R::Response: Iterator<Item = SocketAddr>,
    R::Future: Send + 'static,
{
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (resolving, takes_private) = (self.inner.call(name), self.takes_private);
        Box::pin(async move {
            let all: Vec<_> =
                resolving.await?.filter(|address| takes_private || is_public(address.ip())).collect();
            if all.is_empty() {
                return Err(io::Error::other("it has no public address, and only those are asked"));
            }
            Ok(all.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{Ready, ready};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A name that resolves to another address each time.
    #[derive(Clone)]
    struct Rebinds(Arc<AtomicUsize>, &'static [&'static [&'static str]]);

    impl Service<Name> for Rebinds {
        type Response = std::vec::IntoIter<SocketAddr>;
        type Error = io::Error;
        type Future = Ready<io::Result<Self::Response>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Name) -> Self::Future {
            let answer = self.1[self.0.fetch_add(1, Ordering::Relaxed)];
            let all: Vec<SocketAddr> =
                answer.iter().map(|address| format!("{address}:0").parse().unwrap()).collect();
            ready(Ok(all.into_iter()))
        }
    }

    #[tokio::test]
    async fn each_answer_is_looked_at_anew_and_private_addresses_are_left_out() {
        let answers: &[&[&str]] =
            &[&["8.8.8.8"], &["127.0.0.1"], &["10.0.0.1", "1.1.1.1"], &[], &["127.0.0.1"]];
        let rebinds = Rebinds(Arc::default(), answers);
        let mut checked = Checked::new(rebinds.clone(), false);
        let name: Name = "example.com".parse().unwrap();
        let resolved = |all: io::Result<std::vec::IntoIter<SocketAddr>>| {
            all.map(|all| all.map(|address| address.ip().to_string()).collect::<Vec<_>>())
        };
        assert_eq!(resolved(checked.call(name.clone()).await).unwrap(), ["8.8.8.8"]);
        assert!(checked.call(name.clone()).await.is_err());
        assert_eq!(resolved(checked.call(name.clone()).await).unwrap(), ["1.1.1.1"]);
        assert!(checked.call(name.clone()).await.is_err());
        let mut open = Checked::new(rebinds, true);
        assert_eq!(resolved(open.call(name).await).unwrap(), ["127.0.0.1"]);
    }
}
