# SPDX-License-Identifier: GPL-2.0
# Prints the places of a C file where a small fault can be planted: "LINE COLUMN LENGTH WHAT TEXT", TEXT being what stands
# there instead. Not in comments, strings, preprocessor lines, or what a declaration begins with.

{ look($0) }

function look(line,    code) {
	if (line ~ /^[ \t]*#/ || continued) { continued = line ~ /\\$/; return }
	code = blanked(line)
	depth_before = depth
	depth += gsub(/{/, "{", code) - gsub(/}/, "}", code)
	if (depth_before < 1 || code ~ /^\t*(static )?const .*\[\]/) return
	flip(code, " == ", " != "); flip(code, " != ", " == ")
	flip(code, " < ", " <= "); flip(code, " <= ", " < ")
	flip(code, " > ", " >= "); flip(code, " >= ", " > ")
	flip(code, " && ", " || "); flip(code, " || ", " && ")
	flip(code, " + ", " - "); flip(code, " - ", " + ")
	flip(code, " += ", " -= "); flip(code, " -= ", " += ")
	flip(code, "++;", "--;")
	flip(code, "return true;", "return false;"); flip(code, "return false;", "return true;")
	flip(code, " = true;", " = false;"); flip(code, " = false;", " = true;")
	flip(code, "if (!", "if ("); flip(code, "continue;", "break;")
	drop(code)
}

# blanked: with spaces in place of comments and of what stands in quotes
function blanked(line,    out, i, c, two) {
	out = ""
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1); two = substr(line, i, 2)
		if (comment) {
			if (two == "*/") { comment = 0; out = out "  "; i++ } else out = out " "
		} else if (two == "/*") { comment = 1; out = out "  "; i++ }
		else if (two == "//") break
		else if (c == "\"" || c == "'") {
			out = out c
			for (i++; i <= length(line) && substr(line, i, 1) != c; i++) { if (substr(line, i, 1) == "\\") { i++; out = out "#" }; out = out "#" }
			out = out c
		} else out = out c
	}
	return out
}

function flip(code, from, to,    at, rest) {
	rest = 0
	while (at = index(substr(code, rest + 1), from)) {
		say(rest + at, length(from), from, to)
		rest += at + length(from) - 1
	}
}

# drop: a statement of one line that assigns or calls
function drop(code,    body) {
	body = code
	sub(/^\t+/, "", body); sub(/[ \t]+$/, "", body)
	if (body ~ /^[a-z_][][a-z_0-9.>-]* [|&+-]?= .*;$/ || body ~ /^[a-z_][a-z_0-9]*\(.*\);$/)
		say(length(code) - length(body) + 1, length(body), "dropped", ";")
}

# say: without the spaces around, which stay
function say(column, len, what, text) {
	if (what ~ /^ /) { column++; len-- }
	if (what ~ / $/) len--
	gsub(/^ | $/, "", text); gsub(/ /, "_", what)
	print NR, column, len, what, text
}
