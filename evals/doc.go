// Package evals replays shop tasks as an agent would do them, without a model:
// each file under tasks is a dialogue of tool calls, right ones, sloppy ones and
// ones in a shop whose texts try to talk to the model, with what must come back
// and what the shop must look like in the end.
//
// The dialogues run against the program itself over its standard input and
// output, on a stand-in shop. Every answer of every dialogue is held to the rule
// accepted-is-not-success, whatever the dialogue expects. README.md has what
// each task costs a model to read; it only grows on purpose.
//
// The package is tests only and knows the program from outside: its flags, its
// settings and the protocol.
package evals
