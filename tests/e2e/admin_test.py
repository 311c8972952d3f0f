#!/usr/bin/python3
"""The admin listener: health, and metrics that Prometheus understands."""
import collections
import re
import unittest

from server_case import ServerCase


class Admin(ServerCase):
    files = {"index.html": b"<p>home</p>" * 100}

    def test_health_and_readiness(self):
        for path in ("/healthz", "/readyz"):
            self.assertEqual(self.server.admin(path).status, 200)
            self.assertEqual(self.server.admin(path, "POST").status, 405)
            self.assertEqual(self.server.get(path).status, 404)  # not for the public
        self.assertEqual(self.server.admin("/unknown").status, 404)

    def test_metrics_are_prometheus_text(self):
        self.server.get("/")
        response = self.server.admin("/metrics")
        self.assertTrue(response["content-type"].startswith("text/plain; version=0.0.4"))
        helps, types, samples = collections.Counter(), {}, set()
        label = r'[a-z_]+="(?:[^"\\]|\\.)*"'
        sample = re.compile(rf"([a-z][a-z0-9_]*)((?:\{{{label}(?:,{label})*\}})?) (-?[0-9.e+]+|NaN|\+Inf)")
        for line in response.body.decode().splitlines():
            if line.startswith("# HELP "):
                helps[line.split()[2]] += 1
                self.assertGreater(len(line.split(" ", 3)[3]), 5, line)
            elif line.startswith("# TYPE "):
                self.assertNotIn(line.split()[2], types, "a family has one TYPE")
                types[line.split()[2]] = line.split()[3]
            else:
                matched = sample.fullmatch(line)
                self.assertTrue(matched, line)
                self.assertNotIn(matched[0].rsplit(" ", 1)[0], samples, "a sample is there once")
                samples.add(matched[0].rsplit(" ", 1)[0])
                family = matched[1] if matched[1] in types else re.sub("_(bucket|sum|count)$", "", matched[1])
                self.assertIn(family, types, line)
                self.assertEqual(family, list(types)[-1], "the samples of a family stand together")
        self.assertEqual(set(helps.values()), {1})
        self.assertEqual(set(helps), set(types))
        for family in ("requests_total", "response_body_bytes_total", "request_duration_seconds", "connections_open",
                       "transforms_total", "transform_outcomes_total",
                       "cache_bytes", "cache_objects", "cache_evictions_total", "worker_restarts_total", "reloads_total"):
            self.assertIn("selvage_" + family, types)

    def test_requests_are_counted_by_protocol_status_and_verdict_and_timed(self):
        before = self.server.metrics()
        for _ in range(3):
            self.server.get("/", "h2")
        self.server.get("/nowhere", "http/1.1")
        after = self.server.metrics()
        more = {name: value - before.get(name, 0) for name, value in after.items()}
        self.assertEqual(sum(value for name, value in more.items()
                             if re.match(r'requests_total\{protocol="h2",status="200"', name)), 3)
        self.assertEqual(sum(value for name, value in more.items()
                             if re.match(r'requests_total\{protocol="http/1.1",status="404"', name)), 1)
        self.assertEqual(more["request_duration_seconds_count"], 4)
        buckets = [value for name, value in after.items() if name.startswith("request_duration_seconds_bucket")]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(buckets[-1], after["request_duration_seconds_count"])
        self.assertGreaterEqual(more["response_body_bytes_total"], 3300)


if __name__ == "__main__":
    unittest.main()
