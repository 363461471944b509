//! A query: a table, and the operators that its rows pass one after another.

use serde_json::{Map, Value};

use super::{
    condition::{Condition, at},
    reader::{Invalid, Reader},
    rows::COLUMNS,
};

/// A query as far as the fake understands Kusto's language.
#[derive(Clone, Debug)]
pub(super) struct Query {
    operators: Vec<Operator>,
    /// The names of the columns of its result, in order.
    pub(super) columns: Vec<String>,
}

#[derive(Clone, Debug)]
enum Operator {
    Where(Condition),
    /// The first rows.
    Take(usize),
    /// Any rows.
    Sample(usize),
    /// Names of the result, each with its column.
    Project(Vec<(String, Vec<String>)>),
    /// Columns, and whether each descends.
    Order(Vec<(Vec<String>, bool)>),
}

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self, Invalid> {
        let columns = COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect();
        let mut reader = Reader::new(text, columns)?;
        let table = reader.name()?;
        if !table.eq_ignore_ascii_case("resources") {
            return Err(Invalid(table));
        }
        let mut operators = Vec::new();
        while !reader.is_at_end() {
            reader.sign("|")?;
            operators.push(Operator::read(&mut reader)?);
        }
        Ok(Self { operators, columns: reader.columns })
    }

    /// Whether it says how many rows it wants. Then there are no pages.
    pub(super) fn is_limited(&self) -> bool {
        self.operators.iter().any(|operator| matches!(operator, Operator::Take(_) | Operator::Sample(_)))
    }

    pub(super) fn run(&self, rows: Vec<Value>) -> Vec<Value> {
        self.operators.iter().fold(rows, |rows, operator| operator.run(rows))
    }
}

impl Operator {
    fn read(reader: &mut Reader) -> Result<Self, Invalid> {
        let name = reader.name()?;
        match name.as_str() {
            "where" | "filter" => Condition::read(reader).map(Self::Where),
            "take" | "limit" => reader.count().map(Self::Take),
            "sample" => reader.count().map(Self::Sample),
            "project" => {
                let columns = reader.several(projected)?;
                reader.columns = columns.iter().map(|(name, _)| name.clone()).collect();
                Ok(Self::Project(columns))
            }
            "order" | "sort" => {
                if !reader.take_name("by") {
                    return Err(Invalid(name));
                }
                reader.several(ordered).map(Self::Order)
            }
            _ => Err(Invalid(name)),
        }
    }

    fn run(&self, mut rows: Vec<Value>) -> Vec<Value> {
        match self {
            Self::Where(condition) => rows.retain(|row| condition.holds(row)),
            Self::Take(count) => rows.truncate(*count),
            // Any rows are as good; these are not the first ones, which `take` yields.
            Self::Sample(count) => drop(rows.drain(..rows.len().saturating_sub(*count))),
            Self::Project(columns) => {
                for row in &mut rows {
                    let values = columns.iter().map(|(name, column)| (name.clone(), at(row, column).clone()));
                    *row = Value::Object(values.collect::<Map<_, _>>());
                }
            }
            Self::Order(columns) => rows.sort_by(|one, other| {
                let orders = columns.iter().map(|(column, descends)| {
                    let order = text(at(one, column)).cmp(&text(at(other, column)));
                    if *descends { order.reverse() } else { order }
                });
                orders.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
            }),
        }
        rows
    }
}

fn projected(reader: &mut Reader) -> Result<(String, Vec<String>), Invalid> {
    if let Some(name) = reader.take_new_name() {
        return Ok((name, reader.column()?));
    }
    let column = reader.column()?;
    Ok((column.join("_"), column))
}

/// Kusto sorts from the highest to the lowest unless a query says otherwise.
fn ordered(reader: &mut Reader) -> Result<(Vec<String>, bool), Invalid> {
    let column = reader.column()?;
    let ascends = reader.take_name("asc");
    let _ = reader.take_name("desc");
    Ok((column, !ascends))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(query: &str) -> Vec<String> {
        let row = |name: &str, group: &str, team: Value| {
            json!({ "name": name, "resourceGroup": group, "type": "microsoft.compute/virtualmachines",
                    "tags": { "team": team } })
        };
        let rows = vec![
            row("web-0", "shop", json!("Till")),
            row("web-1", "shop", Value::Null),
            row("db-0", "data", json!("Store")),
        ];
        let query = Query::parse(&format!("Resources | {query}"))
            .unwrap_or_else(|error| panic!("{query}: {error:?}"));
        query.run(rows).iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn rows_pass_the_operators_one_after_another() {
        for (query, expected) in [
            (
                "where type=~'Microsoft.Compute/virtualMachines'| where resourceGroup=='shop'",
                vec!["web-0", "web-1"],
            ),
            ("where name=='web-0' and resourceGroup=~'SHOP'", vec!["web-0"]),
            ("where resourceGroup=='SHOP'", vec![]),
            ("where name != 'web-0'", vec!["web-1", "db-0"]),
            ("where name !~ 'WEB-0'", vec!["web-1", "db-0"]),
            ("where name contains 'EB'", vec!["web-0", "web-1"]),
            ("where name !contains 'eb'", vec!["db-0"]),
            ("where name startswith 'WEB' and not(name endswith '1')", vec!["web-0"]),
            ("where name in ('web-1', \"db-0\")", vec!["web-1", "db-0"]),
            ("where name in ('WEB-1')", vec![]),
            ("where name in~ ('WEB-1')", vec!["web-1"]),
            ("where name !in ('web-1')", vec!["web-0", "db-0"]),
            ("where name=='db-0' or name=='web-0' and resourceGroup=='data'", vec!["db-0"]),
            ("where (name=='db-0' or name=='web-0') and resourceGroup=='shop'", vec!["web-0"]),
            ("where tags.team =~ 'till' or tags['team'] == 'Store'", vec!["web-0", "db-0"]),
            ("sample 2", vec!["web-1", "db-0"]),
            ("take 1", vec!["web-0"]),
            ("limit 9", vec!["web-0", "web-1", "db-0"]),
            ("where resourceGroup=='shop' | sample 1", vec!["web-1"]),
            ("order by name asc", vec!["db-0", "web-0", "web-1"]),
            ("sort by resourceGroup, name asc | project name", vec!["web-0", "web-1", "db-0"]),
        ] {
            assert_eq!(names(query), expected, "{query}");
        }
    }

    #[test]
    fn a_query_that_is_not_understood_is_refused_at_its_word() {
        for (query, word) in [
            ("", "<EOF>"),
            ("Sauces", "Sauces"),
            ("Resources | explode 2", "explode"),
            ("Resources | where name", "<EOF>"),
            ("Resources | where nmae == 'a'", "nmae"),
            ("Resources | where name matches 'a'", "matches"),
            ("Resources | where name == 'a' name", "name"),
            ("Resources | where (name == 'a'", "<EOF>"),
            ("Resources | take 1.5", "1.5"),
            ("Resources | take 'a'", "'a'"),
            ("Resources | order name", "order"),
            ("Resources |", "<EOF>"),
            ("Resources | project name | order by id asc", "id"),
            ("Resources; drop", ";"),
        ] {
            assert_eq!(Query::parse(query).unwrap_err().0, word, "{query}");
        }
    }
}
