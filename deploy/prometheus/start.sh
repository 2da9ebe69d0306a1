# Starts Prometheus so that a broken rule file of the learner's cannot keep it down.
#
# A running Prometheus refuses a broken rule file and goes on with the rules it had. A starting
# one gives up. So when the files are broken at the start, it begins without the learner's, and
# is given the whole configuration as soon as it runs: it refuses that until the file is fixed.
set -eu

wanted=/etc/prometheus/$PROMETHEUS_CONFIG
used=$wanted
if ! promtool check config "$wanted" >/tmp/complaint 2>&1; then
  cat /tmp/complaint >&2
  used=/tmp/prometheus.yml
  grep -v /etc/prometheus-learner "$wanted" >"$used"
  if promtool check config "$used" >/dev/null 2>&1; then
    echo "Starting without the rules in section3-compose/rules, until they are fixed." >&2
  fi
  (
    until promtool check ready --url=http://localhost:9090; do sleep 1; done
    cp "$wanted" "$used"
  ) >/dev/null 2>&1 &
fi

# A file that is fixed to just what it was looks unchanged to Prometheus, which would go on to
# call it refused. So it is told, once all files are right again. `$$` is Prometheus after `exec`.
(
  while sleep 5; do
    if wget -q -O - http://localhost:9090/metrics |
      grep -q '^prometheus_config_last_reload_successful 0' && promtool check config "$wanted"; then
      kill -HUP $$
    fi
  done
) >/dev/null 2>&1 &

# Native histograms are a feature only in old versions; newer ones pass over the name.
exec prometheus @/etc/prometheus/limits.flags "--config.file=$used" \
  --enable-feature=native-histograms \
  --storage.tsdb.path=/prometheus --storage.tsdb.retention.time=3d \
  "--web.external-url=$PROMETHEUS_URL" "$@"
