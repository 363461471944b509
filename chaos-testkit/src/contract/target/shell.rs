//! Running scripts.

use std::sync::Arc;

use chaos_core::{
    Permit, Result,
    capability::{Output, Script, Shell},
};

use crate::{
    Subject,
    report::{Checked, Suite, ensure, not_applicable},
    stage::Stage,
    trial::{Undo, trial},
};

/// A value that would do harm if it were pasted into a script.
const HOSTILE: &str = "a'b\"c `echo pasted` $(echo pasted) ; echo pasted | & > /dev/null \\ *\n\ttab";

pub(super) async fn check(suite: &mut Suite<'_>, fresh: &impl AsyncFn() -> Result<Subject>) {
    let timing = suite.timing;
    let set = async || -> Checked<_> {
        let stage = Stage::set(timing, Box::pin(fresh()).await).await?;
        match stage.handle().await?.capabilities().shell {
            Some(shell) => Ok((stage, shell)),
            None => not_applicable("the target has no shell"),
        }
    };

    suite
        .check("a script's output comes back", async {
            let (stage, shell) = set().await?;
            let script = Script::new("printf 'to output'; printf 'to error' >&2");
            both(&stage, &shell, script, |output| {
                ensure!(
                    (output.status, output.stdout.as_str(), output.stderr.as_str())
                        == (0, "to output", "to error"),
                    "{output:?}"
                );
                Ok(())
            })
            .await
        })
        .await;
    suite
        .check("a script that fails is a result", async {
            let (stage, shell) = set().await?;
            both(&stage, &shell, Script::new("exit 7"), |output| {
                ensure!(output.status == 7, "exit 7 came back as {}", output.status);
                Ok(())
            })
            .await
        })
        .await;
    suite
        .check("a parameter is no command", async {
            let (stage, shell) = set().await?;
            let script = Script::new("printf '%s' \"$word\"").parameter("word", HOSTILE)?;
            both(&stage, &shell, script, |output| {
                ensure!(
                    output.status == 0 && output.stdout == HOSTILE,
                    "{HOSTILE:?} came back as {output:?}"
                );
                Ok(())
            })
            .await
        })
        .await;
    suite
        .check("a script ends at its time limit", async {
            let (_, shell) = set().await?;
            let limit = timing.settle_limit() / 10;
            let endless = Script::new("while :; do sleep 1; done").time_limit(limit);
            tokio::select! {
                biased;
                result = shell.inspect(&endless) => {
                    ensure!(
                        result.as_ref().map_or(true, |output| output.status != 0),
                        "an endless script came back as {result:?}"
                    );
                }
                () = timing.clock().sleep(timing.settle_limit().saturating_add(limit)) => {
                    ensure!(false, "a script with a limit of {limit:?} was not ended");
                }
            }
            Ok(())
        })
        .await;
}

/// Runs `script` as one that looks and as one that changes: both carry output, status and parameters alike.
async fn both(
    stage: &Stage,
    shell: &Arc<dyn Shell>,
    script: Script,
    judge: impl Fn(&Output) -> Checked + Send + Sync + 'static,
) -> Checked {
    judge(&shell.inspect(&script).await?)?;
    let shell = Arc::clone(shell);
    trial(stage, Undo::Nothing, move |_, permit: &Permit| {
        Box::pin(async move { judge(&shell.run(&script, permit).await?) })
    })
    .await
}
