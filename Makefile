.PHONY: up test check bench

up:            ## install what is missing, start everything, print the connection card of the session `demo`; PORT=8022
	@scripts/up $(if $(PORT),--port $(PORT))
test:          ## install what is missing, then run every check and test
	@scripts/test
check:         ## format, lint, types, layers
	@scripts/check
bench:         ## measure against OpenSSH on loopback; prints a table, writes bench/results/
	@scripts/bench
