all: total
one: ; @seq 1 100 >one
two: one ; @sed 's/$$/0/' one >two
three: ; @echo three >three
total: one two three
	@cat one two three | wc -l >total
	@echo "$(words $^) prerequisites, $(shell cat total) lines"
.PHONY: all
