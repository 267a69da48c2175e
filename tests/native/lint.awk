# SPDX-License-Identifier: GPL-2.0
# Finds assertions of bats files that cannot fail. Reads the helpers first, then one bats file; prints
# "FILE:LINE: WHAT: TEXT" for each and ends with 1 if there is any.
#
# bats runs a test with errexit. Bash has it off in what stands before && and ||, in a condition, behind a
# "!", under `run`, and in all that is called from there. So:
#   negation      "! command" fails nothing unless it is the last command of its function
#   and           "A && B" fails nothing when A fails, unless it is the last command
#   unguarded     a check in a function or in a loop counts only as the last command, or with || return
#   missing-file  "nothing is found" is also true of a file that is not there
#   success       "return 0", or "return" in a branch, says ok where nothing was tried: skip is counted
#   skip-lost     `skip` under `run`, in $( ) or behind a pipe ends a subshell, and not the test

BEGIN { text = ""; fine = 1 }

FNR == 1 { if (NR > 1) work(); text = ""; file = FILENAME }
{ text = text $0 "\n" }
END { if (broken) exit 1; work(); if (!broken) judge(); exit !fine }

function work() { tokens(); parse() }

# -- words and operators of the file: T[], each with its line in L[] --

function tokens(    c, two, start, heredoc) {
	size = length(text); at = 1; line = 1; nt = 0
	while (at <= size) {
		c = substr(text, at, 1); two = substr(text, at, 2)
		if (c == " " || c == "\t") { at++; continue }
		if (two == "\\\n") { at += 2; line++; continue }
		if (c == "#") { skip_line(); continue }
		if (c == "\n") { token("\n"); at++; line++; if (heredoc != "") { skip_heredoc(heredoc); heredoc = "" }; continue }
		if (two == "&&" || two == "||" || two == ";;" || two == "((") {
			if (two == "((") { start = line; c = at; scan_nested(")"); T[++nt] = substr(text, c, at - c); L[nt] = start; continue }
			token(two); at += 2; continue
		}
		if (c == ";" || c == "|" || c == "(" || c == ")" || (c == "&" && substr(text, at + 1, 1) != ">")) { token(c); at++; continue }
		heredoc = word(heredoc)
	}
	token("\n")
}

function token(what) { T[++nt] = what; L[nt] = line }

function skip_line() { while (at <= size && substr(text, at, 1) != "\n") at++ }

function skip_heredoc(end,    from) {
	while (at <= size) {
		from = at; skip_line()
		c_line = substr(text, from, at - from); at++; line++
		sub(/^\t+/, "", c_line)
		if (c_line == end) return
	}
}

# word: one that may hold quotes and $( ); gives the delimiter of a heredoc that it begins
function word(heredoc,    from, first, c) {
	from = at; first = line
	if (substr(text, at, 3) == "[[ ") {
		while (at <= size && substr(text, at, 3) != " ]]") { if (substr(text, at, 1) ~ /["'$]/) quoted(); else step() }
		at += 3
	} else while (at <= size) {
		c = substr(text, at, 1)
		if (c ~ /[ \t\n;|)]/ || (c == "&" && substr(text, at - 1, 1) !~ /[<>]/ && substr(text, at + 1, 1) != ">")) break
		if (c == "(") { if (at == from || substr(text, at - 1, 1) !~ /[<>=@?*+!]/) break; scan_nested(")"); continue }
		if (c ~ /["'$`\\]/) quoted(); else step()
	}
	if (at == from) step()
	T[++nt] = substr(text, from, at - from); L[nt] = first
	if (T[nt] ~ /^<<-?['"]?[A-Za-z]/) { c = T[nt]; gsub(/[<'"-]/, "", c); return c }
	return heredoc
}

function step() { if (substr(text, at, 1) == "\n") line++; at++ }

# quoted: past one quoted part, substitution or escaped character
function quoted(    c) {
	c = substr(text, at, 1)
	if (c == "\\") { step(); step(); return }
	if (c == "'") { step(); while (at <= size && substr(text, at, 1) != "'") step(); at++; return }
	if (c == "`") { step(); while (at <= size && substr(text, at, 1) != "`") step(); at++; return }
	if (c == "\"") {
		step()
		while (at <= size && (c = substr(text, at, 1)) != "\"") { if (c == "\\" || c == "$") quoted(); else step() }
		at++; return
	}
	step()
	c = substr(text, at, 1)
	if (c == "(") scan_nested(")")
	else if (c == "{") scan_nested("}")
	else if (c == "'") { step(); while (at <= size && (c = substr(text, at, 1)) != "'") { if (c == "\\") step(); step() }; at++ }
}

# scan_nested: from an opening bracket past its closing one
function scan_nested(close_,    open_, c) {
	open_ = substr(text, at, 1); step()
	while (at <= size && (c = substr(text, at, 1)) != close_) {
		if (c == open_) scan_nested(close_)
		else if (c ~ /["'$`\\]/) quoted()
		else step()
	}
	at++
}

# -- statements: S_*[] for each and-or list, with the function it is in --

function parse() { p = 1; list("", 0, 0, 1, 0) }

function blanks() { while (p <= nt && (T[p] == "\n" || T[p] == ";")) p++ }

function ends(what, among) { return index(" " among " ", " " what " ") > 0 }

# list: statements up to a word of `until_`; func_ 0 is the top of the file. A statement is in the tail when
# nothing of the function comes after it.
function list(until_, func_, loop, tail, cond,    last, first) {
	blanks()
	while (p <= nt && !(until_ != "" && ends(T[p], until_))) {
		if (until_ == "" && func_ == 0 && function_begins()) { blanks(); continue }
		first = p
		last = statement(func_, loop, cond)
		if (p == first) { print file ":" L[p] ": cannot be read here: " T[p]; broken = 1; fine = 0; exit 1 }
		blanks()
		if (p > nt || ends(T[p], until_)) mark_tail(last, tail && !loop)
	}
}

# The tail of a compound command is that of its branches.
function mark_tail(s, tail,    i) {
	if (!tail) return
	S_tail[s] = 1
	for (i = 1; i <= S_branches[s]; i++) if (S_branch[s, i]) mark_tail(S_branch[s, i], 1)
}

function function_begins(    name) {
	if (T[p] == "@test") { begin_function(T[p + 1], 1, p + 3, p); return 1 }
	if (T[p + 1] == "(" && T[p + 2] == ")") {
		name = T[p]; first_ = p; p += 3; blanks()
		if (T[p] == "{") { begin_function(name, 0, p + 1, first_); return 1 }
		p = first_
	}
	return 0
}

function begin_function(name, test, from, first,    f) {
	f = ++nf
	F_name[f] = name; F_test[f] = test; F_file[f] = file; F_line[f] = L[first]
	if (!test) by_name[name] = f
	p = from
	list("}", f, 0, 1, 0)
	p++
}

# statement: an and-or list; returns its number
function statement(f, loop, cond,    s, seg) {
	s = ++ns
	S_func[s] = f; S_loop[s] = loop; S_line[s] = L[p]; S_file[s] = file; S_cond[s] = cond; S_text[s] = ""
	S_branches[s] = 0; S_segs[s] = 0
	while (1) {
		seg = ++S_segs[s]
		pipeline(s, seg, f, loop, cond)
		if (T[p] == "&&" || T[p] == "||") {
			S_op[s, seg] = T[p]; S_text[s] = S_text[s] T[p] " "; p++
			while (T[p] == "\n") p++
			continue
		}
		break
	}
	S_end[s] = L[p - 1]
	if (T[p] == "&" || T[p] == ";" || T[p] == "\n") p++
	return s
}

function pipeline(s, seg, f, loop, cond,    n) {
	n = 0
	if (T[p] == "!") { S_neg[s, seg] = 1; S_text[s] = S_text[s] "! "; p++ }
	while (1) {
		n++
		command(s, seg, n, f, loop, cond)
		if (T[p] != "|") break
		S_text[s] = S_text[s] "| "; p++
		while (T[p] == "\n") p++
	}
	S_commands[s, seg] = n
}

# branch: the statements of a part of a compound command; the last may be the tail
function branch(s, until_, f, loop, cond,    before) {
	before = ns
	list(until_, f, loop, 1, cond)
	S_branch[s, ++S_branches[s]] = last_of(before, f, loop)
}

# last_of: list() marks the last statement of a branch as the tail; whether it is decides the whole.
function last_of(before, f, loop,    i, found) {
	for (i = before + 1; i <= ns; i++) if (S_tail[i] && !nested[i]) found = i
	for (i = before + 1; i <= ns; i++) { S_tail[i] = 0; nested[i] = 1 }
	return loop ? 0 : found
}

function command(s, seg, n, f, loop, cond,    w, words) {
	w = T[p]
	if (w == "for" || w == "select") {
		S_first[s, seg, n] = w
		while (T[p] != "do") p++
		p++; branch(s, "done", f, loop + 1, cond); p++; rest(s, seg); return
	}
	if (w == "while" || w == "until") {
		S_first[s, seg, n] = w; p++
		branch(s, "do", f, loop, 1); S_branch[s, S_branches[s]] = 0; p++
		branch(s, "done", f, loop + 1, cond); p++; rest(s, seg); return
	}
	if (w == "if") {
		S_first[s, seg, n] = w
		while (T[p] == "if" || T[p] == "elif") {
			p++; branch(s, "then", f, loop, 1); S_branch[s, S_branches[s]] = 0; p++
			branch(s, "elif else fi", f, loop, cond)
		}
		if (T[p] == "else") { p++; branch(s, "fi", f, loop, cond) }
		p++; rest(s, seg); return
	}
	if (w == "case") {
		S_first[s, seg, n] = w
		while (T[p] != "in") p++
		p++; blanks()
		while (p <= nt && T[p] != "esac") {
			while (T[p] != ")") p++
			p++; branch(s, ";; esac", f, loop, cond)
			while (T[p] == ";;" || T[p] == "\n") p++
		}
		p++; rest(s, seg); return
	}
	if (w == "{" || w == "(") {
		S_first[s, seg, n] = w; p++
		S_group_from[s, seg] = ns + 1
		branch(s, w == "{" ? "}" : ")", f, loop, cond); p++
		S_group_to[s, seg] = ns
		rest(s, seg); return
	}
	# A function inside of a function is one of its own.
	if (T[p + 1] == "(" && T[p + 2] == ")") {
		S_first[s, seg, n] = "function"; words = T[p]; seg = p; p += 3
		while (T[p] == "\n") p++
		begin_function(words, 0, p + 1, seg); return
	}
	words = 0
	while (p <= nt && !ends(T[p], "&& || | ; ;; & )") && T[p] != "\n") {
		if (!words && T[p] !~ /^[A-Za-z_][A-Za-z_0-9]*\+?=/ && T[p] !~ /^[0-9]*[<>]/) { S_first[s, seg, n] = T[p]; words = 1 }
		else if (words) S_args[s, seg, n] = S_args[s, seg, n] " " T[p]
		S_text[s] = S_text[s] T[p] " "
		p++
	}
}

function rest(s, seg) {
	while (p <= nt && !ends(T[p], "&& || | ; ;; & )") && T[p] != "\n") p++
}

# -- rules --

# checks(s, seg): its status is an assertion
function checks(s, seg,    n, w) {
	n = S_commands[s, seg]; w = S_first[s, seg, n]
	if (w ~ /^\[\[/ || ends(w, "[ test diff cmp grep xmllint false")) return 1
	if (w == "jq" && S_args[s, seg, n] ~ / -[a-z]*e/) return 1
	if (w == "sort" && S_args[s, seg, n] ~ / -c/) return 1
	if (w == "awk" && S_args[s, seg, n] ~ /exit/) return 1
	return (w in by_name) && F_checks[by_name[w]]
}

function leaves(s, seg,    w, i, k) {
	w = S_first[s, seg, 1]
	if (ends(w, "return exit skip continue break")) return 1
	if (w != "{") return 0
	for (i = S_group_from[s, seg]; i <= S_group_to[s, seg]; i++)
		for (k = 1; k <= S_segs[i]; k++) if (ends(S_first[i, k, 1], "return exit skip")) return 1
	return 0
}

function learn(    changed, s, k, f) {
	do {
		changed = 0
		for (s = 1; s <= ns; s++) {
			f = S_func[s]
			if (!f) continue
			for (k = 1; k <= S_segs[s]; k++) {
				if (!F_checks[f] && ((S_first[s, k, 1] == "return" && S_args[s, k, 1] ~ /^ [1-9]/) ||
				    (!S_cond[s] && checks(s, k) && (S_tail[s] || leaves(s, S_segs[s]))))) { F_checks[f] = 1; changed = 1 }
				if (!F_skips[f] && calls_skip(s, k)) { F_skips[f] = 1; changed = 1 }
			}
		}
	} while (changed)
}

function calls_skip(s, k,    w) {
	w = S_first[s, k, 1]
	if (w == "skip") return 1
	return (w in by_name) && F_skips[by_name[w]]
}

function say(s, what,    t) {
	t = S_text[s]; gsub(/[ \n\t]+/, " ", t)
	print S_file[s] ":" S_line[s] ": " what ": " substr(t, 1, 100)
	fine = 0
	if (ENDS) print S_file[s] "@" S_end[s] "@" what
}

# looked(s): the function has asked before whether a file is there
function looked(s,    i, k) {
	for (i = 1; i <= s; i++) if (S_func[i] == S_func[s] && S_text[i] ~ /\[ -[efrs] /) return 1
	return 0
}

function judge(    s, k, last, f, in_test) {
	learn()
	for (s = 1; s <= ns; s++) {
		if (!(f = S_func[s])) continue
		in_test = F_test[f]; last = S_segs[s]
		for (k = 1; k <= last; k++) parts(s, k)
		if (S_cond[s]) continue
		if (!S_tail[s] && S_neg[s, last]) { say(s, "negation"); continue }
		if (!S_tail[s] && last > 1 && S_op[s, last - 1] == "&&") { say(s, "and"); continue }
		if (!S_tail[s] && (!in_test || S_loop[s]) && asserts(s, last)) say(s, "unguarded")
	}
}

# asserts(s, last): a check that its function goes on after. "[ ... ] || name=value" is a condition.
function asserts(s, last,    k) {
	if (leaves(s, last)) return 0
	# What is shown before the function fails anyway.
	if (last == 1 && S_func[s + 1] == S_func[s] && S_first[s + 1, 1, 1] == "return" && S_args[s + 1, 1, 1] ~ /^ [1-9]/) return 0
	if (S_first[s, last, 1] != "{") return checks(s, last)
	for (k = 1; k < last; k++) if (checks(s, k)) return 1
	return 0
}

function parts(s, k,    n, w, a) {
	n = S_commands[s, k]; w = S_first[s, k, n]; a = S_args[s, k, n]
	if (S_neg[s, k] && w == "grep" && !looked(s)) say(s, "missing-file")
	if (((w == "is" && a ~ / (""|'')$/) || (w == "[" && a ~ /^ -z "\$\(/)) && a ~ /\$\(/) say(s, "missing-file")
	if (a ~ /\$\(.*\| *grep -[a-zA-Z]*c/ && (a ~ / (-eq )?0( \])?$/)) say(s, "missing-file")
	if (w == "[" && a ~ /^ ! -s / && !looked(s)) say(s, "missing-file")
	if (w == "return" && a ~ /^ 0/) say(s, "success")
	if (w == "return" && a == "" && k == 1 && !S_cond[s]) say(s, "success")
	if (w == "run" && under(a)) say(s, "skip-lost")
	if (S_text[s] ~ /\$\([ \t]*[a-z_]+/ && substituted(S_text[s])) say(s, "skip-lost")
	if (n > 1 && piped(s, k, n)) say(s, "skip-lost")
}

# under(ARGUMENTS): `run [-N] [!] FUNCTION` of one that skips
function under(a,    words, i, many) {
	many = split(a, words, " ")
	for (i = 1; i <= many; i++) {
		if (words[i] ~ /^-/ || words[i] == "!") continue
		return words[i] == "skip" || ((words[i] in by_name) && F_skips[by_name[words[i]]])
	}
	return 0
}

function substituted(t,    name) {
	while (match(t, /\$\([ \t]*[a-z_0-9]+/)) {
		name = substr(t, RSTART, RLENGTH); sub(/^\$\([ \t]*/, "", name)
		if (name == "skip" || ((name in by_name) && F_skips[by_name[name]])) return 1
		t = substr(t, RSTART + RLENGTH)
	}
	return 0
}

function piped(s, k, n,    i, w) {
	for (i = 1; i <= n; i++) {
		w = S_first[s, k, i]
		if (w == "skip" || ((w in by_name) && F_skips[by_name[w]])) return 1
	}
	return 0
}
