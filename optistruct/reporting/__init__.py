"""Reports of a study, read from its database alone; nothing here runs one.

`pareto_front` draws, `front_table` tabulates, `to_html` writes one page that opens without a
network; `summarize` hands out the plain facts that they are made of.
"""

from optistruct.reporting.figures import pareto_front
from optistruct.reporting.page import to_html
from optistruct.reporting.summary import Summary, summarize
from optistruct.reporting.tables import front_table

__all__ = ["Summary", "front_table", "pareto_front", "summarize", "to_html"]
