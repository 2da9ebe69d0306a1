"""A hundred queries that nobody should ask, and what they must not do to Prometheus."""

import concurrent.futures
import http.client
import json
import time
import urllib.parse

from http_json import fetch
from report import expect, wait_for

ALL = '{__name__=~".+"}'
# Each is asked as it stands, and over ranges.
QUERIES = [
    # Subqueries by the million.
    "sum(sum_over_time(requests_total[2d:1ms]))",
    f"count_over_time({ALL}[3d:1s])",
    "max_over_time(rate(requests_total[1m])[1d:10ms])",
    f"quantile_over_time(0.99, {ALL}[7d:5ms])",
    "max_over_time(min_over_time(sum_over_time(up[1h:1s])[1h:1s])[1h:1s])",
    "absent_over_time(nothing[30d:1ms])",
    # Far back, and all of it.
    f"sum by (job, le, status) (sum_over_time({ALL}[30d:1m] offset 1y))",
    f"topk(100000, sum_over_time({ALL}[100y]))",
    f"deriv({ALL}[3d:100ms])",
    "sum_over_time(up[3d:1ms] @ end())",
    # Patterns.
    '{__name__=~"(.*.*.*.*.*)*x|(a|aa|aaa)*b|.+"}',
    '{__name__!="", job=~".*(.*)*.*", instance!~"(x+x+)+y"}',
    f'label_replace({ALL}, "a", "$1$2$3", "instance", "(.*)(.*)(.*)(.*)(.*)")',
    # Everything with everything.
    f"{ALL} * on () group_left () {ALL}",
    f"count(count by (job) ({ALL}) * on (job) group_right () {ALL})",
    f"sum({ALL} + on (__name__, instance, job, status, endpoint, le) group_left () {ALL})",
    f"sort_desc({ALL} or {ALL} or {ALL} or {ALL}) unless on () vector(0)",
    # Long ones.
    " + ".join(["sum(rate(requests_total[1m]))"] * 400),
    f"sum({' or '.join([ALL] * 60)})",
    f"count({ALL}) > bool " + "(" * 200 + "1" + ")" * 200,
]


def asked():
    """(path, parameters) of each of the hundred."""
    now = int(time.time())
    for query in QUERIES:
        yield "query", {"query": query}
        for days, step in ((1, 8), (3, 30), (7, 60), (30, 240)):
            yield "query_range", {"query": query, "start": now - days * 86400, "end": now, "step": step}


def _ask(url, path, parameters):
    try:
        status, text = fetch(f"{url}/api/v1/{path}", data=urllib.parse.urlencode(parameters).encode(), timeout=300)
    except (OSError, http.client.HTTPException) as error:
        return f"lost: {error}"
    return "answered" if status == 200 else json.loads(text).get("errorType", str(status))


def hundred(prometheus, every=1):
    """All, or each fifth for `every=5`; twenty at a time.

    Afterwards Prometheus is the same process, healthy, and has lost no scrape.
    """
    started = prometheus.value('process_start_time_seconds{job="prometheus"}')
    expect(started, "Prometheus does not watch itself yet")
    began, slowest = time.time(), 0.0
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        outcomes = [pool.submit(_ask, prometheus.url, *each) for each in list(asked())[::every]]
        while not all(outcome.done() for outcome in outcomes):
            before = time.monotonic()
            status, text = fetch(f"{prometheus.url}/-/healthy", timeout=5)
            expect(status == 200, f"in the midst of it /-/healthy answered {status}: {text}")
            slowest = max(slowest, time.monotonic() - before)
            time.sleep(0.5)
    took = time.time() - began
    counts = {}
    for outcome in outcomes:
        counts[outcome.result()] = counts.get(outcome.result(), 0) + 1
    expect(not any(result.startswith("lost") for result in counts), f"answers were lost: {counts}")
    again = wait_for("an answer", lambda: prometheus.value('process_start_time_seconds{job="prometheus"}'), 10)
    expect(again == started, "Prometheus was started again")
    gap = longest_gap(prometheus, began - 6, time.time())
    told = ", ".join(f"{number} {result}" for result, number in sorted(counts.items()))
    return f"{told}; {took:.0f} s, the longest gap between scrapes {gap:.1f} s, /-/healthy within {slowest:.1f} s"


def longest_gap(prometheus, start, end):
    """The longest time between two scrapes of any target, in seconds. More than 1.5 intervals is a lost one."""
    window = int(end - start) + 1
    longest = 0.0
    for item in prometheus.get("query", query=f"up[{window}s]", time=end)["result"]:
        times = [float(at) for at, _ in item["values"]]
        name = item["metric"]["job"]
        expect(all(value == "1" for _, value in item["values"]), f"a scrape of {name} failed")
        gaps = [after - before for before, after in zip(times, times[1:])] + [end - times[-1]]
        expect(max(gaps) < 7.5, f"a scrape of {name} was lost: {max(gaps):.1f} s without")
        longest = max(longest, *gaps[:-1])
    return longest
