"""Renderers over results.json; nothing here talks to a target."""

from pathlib import Path
def write(results, directory): return []
def summary(results, console):
    console.print(results["summary"])
    for r in results["rules"]:
        if r["verdict"] in ("failed","deviates","blocked","error"):
            console.print(r["verdict"], r["id"], r["reason"][-600:], [b["message"]+" EXP "+b["expected"][:200]+" OBS "+b["observed"][:200] for b in r["breaches"]][:1], markup=False)
    print("not exercised", [r["id"] for r in results["rules"] if r["verdict"]=="not_exercised"])
    print("not applicable", [r["id"] for r in results["rules"] if r["verdict"]=="not_applicable"])
    print(results["cost"], results["run"]["seconds"], results["latency"])
