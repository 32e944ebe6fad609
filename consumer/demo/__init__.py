"""The whole job on one machine with nothing else installed: `postback demo`."""
