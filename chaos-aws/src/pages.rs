//! Listings that come in pages.

use std::{future::Future, sync::Arc};

use chaos_core::{Error, ErrorKind, Result};
use futures_util::{Stream, stream};

/// A page, and what asks for the one after it.
pub(crate) type Page<T> = (T, Option<String>);

/// Every page, one after another, and nothing after an error.
///
/// The SDK's own paginators end quietly where a service gives the same token twice. A listing that was cut short like that would
/// be a shorter list, so that here it is an error.
pub(crate) fn pages<T, F, P>(fetch: F) -> impl Stream<Item = Result<T>> + Send
where
    T: Send,
    F: Fn(Option<String>) -> P + Send + Sync,
    P: Future<Output = Result<Page<T>>> + Send,
{
    let fetch = Arc::new(fetch);
    stream::unfold(Some(None), move |next: Option<Option<String>>| {
        let fetch = Arc::clone(&fetch);
        async move {
            let token = next?;
            // In a box: a call's future has many KiB, and would be copied with the state of the stream.
            Some(match Box::pin(fetch(token.clone())).await {
                Ok((_, next)) if next.is_some() && next == token => (Err(stuck()), None),
                Ok((page, next)) => (Ok(page), next.filter(|token| !token.is_empty()).map(Some)),
                Err(error) => (Err(error), None),
            })
        }
    })
}

fn stuck() -> Error {
    Error::new(ErrorKind::Unavailable, "a listing does not get past one of its pages; it was read in part")
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    async fn listed(tokens: &'static [&'static str], fail_at: usize) -> Vec<Result<usize>> {
        let fetch = move |token: Option<String>| async move {
            let number = match token {
                None => 0,
                Some(token) => token[1..].parse().unwrap(),
            };
            if number == fail_at {
                return Err(Error::new(ErrorKind::Throttled, "slower"));
            }
            Ok((number, tokens.get(number).map(|&token| token.to_owned())))
        };
        Box::pin(pages(fetch)).collect().await
    }

    #[tokio::test]
    async fn pages_come_in_order_until_there_is_no_token() {
        let pages: Result<Vec<_>> = listed(&["t1", "t2", ""], 9).await.into_iter().collect();
        assert_eq!(pages.unwrap(), [0, 1, 2]);
    }

    #[tokio::test]
    async fn a_page_that_fails_is_the_last_word() {
        let pages = listed(&["t1", "t2", ""], 1).await;
        assert_eq!(pages.len(), 2);
        assert_eq!(pages[1].as_ref().unwrap_err().kind(), ErrorKind::Throttled);
    }

    #[tokio::test]
    async fn the_same_token_twice_is_an_error_and_no_end() {
        let pages = listed(&["t1", "t1"], 9).await;
        assert!(pages.last().unwrap().is_err(), "{pages:?}");
    }
}
