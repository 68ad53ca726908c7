"""Plays days of the table against $SEAWORTHY_SERVER as they come: play.py TABLE FROM UNTIL

At 7 each morning the endpoint is asked. At 5 on the next the day's record arrives, and with it the
truth about the prediction. With FAHRENHEIT_FROM=2015/11/01 in the environment the temperatures
arrive in another unit from that day on.
"""

import csv
import datetime
import json
import os
import sys
import urllib.request
import zoneinfo

SEATTLE = zoneinfo.ZoneInfo("America/Los_Angeles")
BROKEN_FROM = os.environ.get("FAHRENHEIT_FROM", "9999")


def post(path, body):
    request = urllib.request.Request(f"{os.environ['SEAWORTHY_SERVER']}/seaworthy/v1/{path}", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def clock_to(date, days, hour):
    day = datetime.datetime.strptime(date, "%Y/%m/%d") + datetime.timedelta(days)
    return post("clock", {"now": day.replace(hour=hour, tzinfo=SEATTLE).isoformat()})["now"]


def record_of(row):
    record = {name: text if name in ("date", "weather") else float(text) for name, text in row.items()}
    if row["date"] >= BROKEN_FROM:
        for name in ("temp_max", "temp_min"):
            record[name] = record[name] * 9 / 5 + 32
    return record


def play(row):
    morning = clock_to(row["date"], 0, 7)
    post("endpoints/rain/predict", {"rows": [{"station": "Seattle", "morning": morning}], "ids": [row["date"]]})
    clock_to(row["date"], 1, 5)
    post("sources/days/rows", {"rows": [record_of(row)]})
    post("endpoints/rain/labels", {"labels": [{"id": row["date"], "label": float(row["precipitation"]) > 0}]})


def main():
    table, first, until = sys.argv[1:]
    with open(table, newline="", encoding="utf-8") as file:
        days = [row for row in csv.DictReader(file) if first <= row["date"] < until]
    for row in days:
        play(row)
    print(f"{len(days)} days played")


if __name__ == "__main__":
    main()
