"""
The running program: `assembly` joins the parts as the settings say, `supervisor` runs the stages on their threads and
does the housekeeping beside them.
"""
