use std::{collections::HashSet, future::Future, sync::Arc};

use futures_util::{Stream, StreamExt, future, stream};

use crate::error::{Error, ErrorKind, Result};

/// A page, and what asks for the one after it: a token or an address. One that is empty is none.
pub type Page<T> = (T, Option<String>);

/// How many pages a listing may have. One that has more never ends, as far as anybody can tell.
const MOST_PAGES: usize = 1_000;

/// Every page of a listing, one after another, and nothing after an error. `fetch` is given what asks for a page;
/// nothing for the first.
///
/// Paginators of cloud SDKs end quietly where a service asks for the same page twice. A listing that was cut short like
/// that would be a shorter list, so that here it is an error.
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
/// Those of `fetch`; `Unavailable` for a page that asks for one of before, and for a listing that goes on after 1,000
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
            // In a box: a call's future has many KiB, and would be copied with the state of the stream.
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

/// Everything up to the first error, and that: what a listing yields that is read from several places at once.
pub fn until_error<T>(stream: impl Stream<Item = Result<T>>) -> impl Stream<Item = Result<T>> {
    stream.scan(false, |has_failed, item| {
        let next = (!*has_failed).then_some(item);
        *has_failed = next.as_ref().is_some_and(Result::is_err);
        future::ready(next)
    })
}

fn stuck() -> Error {
    Error::new(ErrorKind::Unavailable, "a listing goes back to one of its pages; it was read in part")
}

fn endless() -> Error {
    Error::new(ErrorKind::Unavailable, "a listing does not end; it was read in part")
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
