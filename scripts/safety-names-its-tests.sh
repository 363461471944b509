#!/bin/sh
# Every sentence of SAFETY.md names, in a footnote, the tests that would fail if it were false. This checks that they
# are there:
#
#   [^name]: path/from/the/root.rs: function_of_a_test; path/from/the/root.rs: "a check of a contract"
#   [^limit]: what this library cannot do, in words
#
# It fails where a sentence, an item of a list or a row of a table has no footnote; where a footnote is used and not
# defined, or defined and not used, or twice; and where a file, a test or a check that one names does not exist.
set -eu
cd "$(dirname "$0")/.."

awk '
function complain(text) {
  print "SAFETY.md: " text
  broken++
}

# A sentence ends with a full stop, perhaps in bold or brackets, its footnotes, and a space. An item may begin with a
# title in bold.
function sentences(text, sentence, rest) {
  rest = text " "
  if (match(rest, /^\*\*[^*]*[.]\*\* /)) rest = substr(rest, RSTART + RLENGTH)
  while (match(rest, /[.?!][*)`]*(\[\^[^]]*\])*[ ]/)) {
    sentence = substr(rest, 1, RSTART + RLENGTH - 1)
    rest = substr(rest, RSTART + RLENGTH)
    if (sentence !~ /\[\^/) complain("this sentence names no test: " sentence)
  }
  if (rest ~ /[^ ]/ && rest !~ /\[\^/) complain("this names no test: " rest)
}

function end_of_block() {
  if (block != "" && kind == "note") define(block)
  else if (block != "") { uses(block); sentences(block) }
  block = ""
  kind = ""
}

function uses(text) {
  while (match(text, /\[\^[^]]*\]/)) {
    used[substr(text, RSTART + 2, RLENGTH - 3)] = 1
    text = substr(text, RSTART + RLENGTH)
  }
}

function define(text, name) {
  name = substr(text, 3, index(text, "]") - 3)
  if (name in defined) complain("the footnote " name " is there twice")
  defined[name] = substr(text, index(text, "]:") + 2)
}

function row(text) {
  uses(text)
  if (text !~ /\[\^/) complain("this row names no test: " text)
}

# Reads a file of tests once: its functions behind an attribute of a test, and the checks of contracts, each in quotes.
function read_tests(path, line, is_test, status) {
  if (path in is_read) return is_read[path]
  is_test = 0
  while ((status = (getline line < path)) > 0) {
    if (line ~ /#\[(tokio::)?test[](]/) is_test = 1
    else if (match(line, /fn [A-Za-z0-9_]+/)) {
      if (is_test) tests[path, substr(line, RSTART + 3, RLENGTH - 3)] = 1
      is_test = 0
    }
    if (line ~ /check\(/ && match(line, /"[^"]*"/)) tests[path, substr(line, RSTART, RLENGTH)] = 1
    if (match(line, /^const [A-Z_]+: &str = "[^"]*";/)) {
      match(line, /"[^"]*"/)
      tests[path, substr(line, RSTART, RLENGTH)] = 1
    }
  }
  close(path)
  return is_read[path] = status == 0
}

function look_up(name, text, parts, count, i, at, path, test) {
  count = split(text, parts, ";")
  for (i = 1; i <= count; i++) {
    gsub(/^ +| +$/, "", parts[i])
    at = index(parts[i], ": ")
    path = substr(parts[i], 1, at - 1)
    test = substr(parts[i], at + 2)
    if (at == 0 || test ~ /^ *$/) complain("the footnote " name " is not `path: test`: " parts[i])
    else if (!read_tests(path)) complain("the footnote " name " names a file that is not there: " path)
    else if (!((path, test) in tests)) complain("the footnote " name " names a test that is not there: " path ": " test)
    else named++
  }
}

/^\|/ {
  end_of_block()
  # The first two rows are the head and the line below it.
  if (++rows > 2) row($0)
  next
}
{ rows = 0 }
/^#/ || /^$/ { end_of_block(); next }
/^- / { end_of_block(); block = substr($0, 3); kind = "text"; next }
/^\[\^[^]]*\]:/ { end_of_block(); block = $0; kind = "note"; next }
{ sub(/^ +/, ""); block = block (block == "" ? "" : " ") $0; if (kind == "") kind = "text" }

END {
  end_of_block()
  for (name in used) if (!(name in defined)) complain("the footnote " name " is used and not defined")
  for (name in defined) {
    if (!(name in used)) complain("the footnote " name " is defined and not used")
    if (name != "limit") look_up(name, defined[name])
  }
  if (named == 0) complain("no test is named at all")
  exit broken > 0
}
' SAFETY.md
