use std::{collections::HashSet, future::Future, sync::Arc};

use futures_util::{Stream, StreamExt, future, stream};

use crate::error::{Error, ErrorKind, Result};

/// A page, and the token or address of the next page. An empty one counts as none.
pub type Page<T> = (T, Option<String>);

/// The most pages that a listing may have. A listing with more is considered endless.
const MOST_PAGES: usize = 1_000;

/// Yields every page of a listing, one after another, and nothing after an error. `fetch` receives the token of the
/// page; `None` for the first.
///
/// Paginators of cloud SDKs end quietly if a service returns the same token twice. That would look like a shorter
/// listing, so here it is an error.
///
/// ```
/// use chaos_core::listing::pages;
/// use futures_util::TryStreamExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> chaos_core::Result<()> {
/// let fetch = |token: Option<String>| async move {
///     Ok(if token.is_none() { (1, Some("2".to_owned())) } else { (2, None) })
/// };
/// let all: Vec<u32> = Box::pin(pages(fetch)).try_collect().await?;
/// assert_eq!(all, [1, 2]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of `fetch`; `Unavailable` if a token comes back that was used before, or if a listing goes on after 1,000
/// pages.
pub fn pages<T, F, P>(fetch: F) -> impl Stream<Item = Result<T>> + Send
where
    T: Send,
    F: Fn(Option<String>) -> P + Send + Sync,
    P: Future<Output = Result<Page<T>>> + Send,
{
    let fetch = Arc::new(fetch);
    stream::unfold(Some((None, HashSet::new())), move |next: Option<(Option<String>, HashSet<String>)>| {
        let fetch = Arc::clone(&fetch);
        async move {
            let (token, mut seen) = next?;
            // Boxed, because a call's future has many KiB and would be copied with the state of the stream.
            Some(match Box::pin(fetch(token)).await {
                Ok((page, next)) => match next.filter(|token| !token.is_empty()) {
                    None => (Ok(page), None),
                    Some(next) if !seen.insert(next.clone()) => (Err(stuck()), None),
                    Some(_) if seen.len() >= MOST_PAGES => (Err(endless()), None),
                    Some(next) => (Ok(page), Some((Some(next), seen))),
                },
                Err(error) => (Err(error), None),
            })
        }
    })
}

/// Everything up to and including the first error, for a listing that is read from several places at once.
pub fn until_error<T>(stream: impl Stream<Item = Result<T>>) -> impl Stream<Item = Result<T>> {
    stream.scan(false, |has_failed, item| {
        let next = (!*has_failed).then_some(item);
        *has_failed = next.as_ref().is_some_and(Result::is_err);
        future::ready(next)
    })
}

fn stuck() -> Error {
    Error::new(ErrorKind::Unavailable, "the listing returned to an earlier page, so it was read only in part")
}

fn endless() -> Error {
    Error::new(ErrorKind::Unavailable, "the listing does not end, so it was read only in part")
        .with("pages", MOST_PAGES)
}

#[cfg(test)]
mod tests {
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
        let around = listed(&["t1", "t2", "t0"], 9).await;
        assert!(around.last().unwrap().is_err() && around.len() <= 4, "{around:?}");
    }

    #[tokio::test]
    async fn a_listing_that_never_ends_is_an_error() {
        let fetch = |token: Option<String>| async move {
            let number = token.map_or(0, |token| token.parse::<usize>().unwrap());
            Ok((number, Some((number + 1).to_string())))
        };
        let pages: Vec<_> = Box::pin(pages(fetch)).collect().await;
        assert!(pages.last().unwrap().is_err());
        assert_eq!(pages.len(), MOST_PAGES);
    }
}
