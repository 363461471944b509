//! A dry run: which targets would be hit, and why would the others not be? Nothing is touched.
//!
//! Every monkey starts leashed. Without a call of `unleash` it has no journal, and without a journal it has no permit
//! to change anything.

use chaos_core::Monkey;
use chaos_events::Terminate;
use chaos_local::Fleet;

#[tokio::main(flavor = "current_thread")]
async fn main() -> chaos_core::Result<()> {
    let web = Fleet::of("sleep").arg("600").name("web").replicas(4).start().await?;
    let monkey = Monkey::builder()
        .provider(web.clone())
        .event(Terminate::default())
        // The seed draws the victims. The same one over the same groups draws the same ones.
        .seed(42)
        .build()?;

    println!("{}", monkey.plan().await?.explain());
    let report = monkey.run_once().await?;
    println!("{}: {} faults", report.outcome(), report.faults.len());
    web.stop().await
}
