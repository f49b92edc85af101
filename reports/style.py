"""Looks of the report: one style sheet for light, dark, phone and print; and the few lines of script for hovering."""

from reports.palette import DARK_RAMP, LIGHT_RAMP

LIGHT_COLORS = {
    "paper": "#ffffff", "panel": "#f6f7f8", "ink": "#1a1d21", "soft": "#565d66", "rule": "#dcdfe3",
    "strong-rule": "#8b929b",
    "accent": "#0a4d8c", "fixed": "#5f6772", "good": "#17643a", "bad": "#a3260f", "bad-panel": "#fdf1ee",
    "low": "217 95 2", "high": "33 102 172",
}  # fmt: skip
"""Colors of the light page; text colors reach 4.5:1 on paper and panel. ``low`` and ``high`` are tints (R G B)."""
DARK_COLORS = {
    "paper": "#15181c", "panel": "#1d2126", "ink": "#e8eaed", "soft": "#a7afb9", "rule": "#343a42",
    "strong-rule": "#727b86",
    "accent": "#8cc0f5", "fixed": "#a0a8b3", "good": "#7fd3a0", "bad": "#ff9c85", "bad-panel": "#2c1d1a",
    "low": "240 130 40", "high": "80 150 230",
}  # fmt: skip
"""The same for the dark page."""
TINT_STRENGTHS = (0.10, 0.20, 0.31, 0.44)
"""Opacity of the four tints; text on the strongest still reaches 4.5:1."""


def _variables(colors: dict[str, str], ramp: tuple[str, ...]) -> str:
    named = "".join(f"--{name}:{color};" for name, color in colors.items())
    return named + "".join(f"--r{index}:{color};" for index, color in enumerate(ramp))


def _generated() -> str:
    ramp = "".join(f".r{index}{{--c:var(--r{index})}}" for index in range(len(LIGHT_RAMP)))
    tints = "".join(
        f".{letter}{step}{{background:rgb(var(--{name})/{strength})}}"
        for letter, name in (("l", "low"), ("h", "high"))
        for step, strength in enumerate(TINT_STRENGTHS, start=1)
    )
    return ramp + tints


_PAGE = """
:root{--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 var(--sans);
font-variant-numeric:tabular-nums}
main{max-width:1240px;margin:0 auto;padding:40px 28px 64px}
h1{font-size:34px;line-height:1.15;letter-spacing:-.015em;margin:2px 0 4px;overflow-wrap:anywhere}
h2{font-size:21px;line-height:1.25;letter-spacing:-.008em;margin:0 0 14px}
h3{font-size:15px;line-height:1.3;margin:0}
h3 small{font-weight:400;font-size:13px;color:var(--soft);margin-left:.6em}
h3.subhead{font-size:17px;margin:34px 0 4px}
p{margin:0 0 12px;max-width:78ch}
code{font:.86em/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
a{color:var(--accent)}
section{margin-top:44px;padding-top:20px;border-top:1px solid var(--rule)}
.kicker{font-size:12px;letter-spacing:.09em;text-transform:uppercase;color:var(--soft);margin:0}
.release,.small{color:var(--soft);font-size:13px}
.lede{font-size:21px;line-height:1.38;margin:18px 0 14px;max-width:none}
.verdicts{list-style:none;margin:0 0 22px;padding:0}
.verdicts li{margin:2px 0}
.kept{color:var(--good)}
.miss{color:var(--bad)}
dl{margin:0}dd{margin:0}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));border-block:1px solid var(--rule);
padding:12px 0;gap:12px 24px}
.facts dt,.addresses dt{font-size:12px;color:var(--soft)}
.facts b{display:block;font-size:20px;font-weight:600;line-height:1.3}
.facts span{font-size:13px;color:var(--soft)}
.addresses{margin-top:12px;font-size:14px}
.addresses div{display:grid;grid-template-columns:64px 1fr;gap:8px;align-items:baseline}
nav{display:flex;flex-wrap:wrap;gap:4px 20px;margin-top:18px;font-size:14px}
footer{margin-top:44px;padding-top:14px;border-top:1px solid var(--rule);color:var(--soft);font-size:13px}
.notes{margin:0;padding-left:1.2em}
"""

_TABLES = """
table{border-collapse:collapse;width:100%;font-size:14px;line-height:1.35}
caption{text-align:left;color:var(--soft);font-size:13px;padding:0 0 6px}
th,td{text-align:right;padding:5px 9px;white-space:nowrap;vertical-align:baseline}
th{font-weight:600}
thead th{font-weight:500;font-size:12.5px;color:var(--soft);vertical-align:bottom}
thead tr:last-child th{border-bottom:1px solid var(--strong-rule)}
tbody tr+tr>*{border-top:1px solid var(--rule)}
th.words,td.words{text-align:left}
thead th[scope=colgroup]{text-align:left;padding-bottom:0;color:var(--ink);font-weight:600}
.group{border-left:1px solid var(--rule)}
tbody th{position:sticky;left:0;background:var(--paper)}
.scroll{overflow-x:auto;margin:10px 0 0;scrollbar-width:thin}
.scroll:focus-visible,a:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.ladder th[scope=row]{text-align:center;width:44px}
.ladder thead tr:last-child th:first-child{text-align:center}
.size{font-weight:600}
.size span{color:var(--c)}
.reason,.version{white-space:normal;min-width:17em}
.reason{font-size:13px;color:var(--soft);line-height:1.4}
.missed>*,.missed th{background:var(--bad-panel)}
.tag{display:inline-block;font-size:12px;line-height:1.25;border:1px solid var(--strong-rule);border-radius:3px;
padding:0 5px;margin-left:2px}
.small-table{font-size:13px}
.small-table th,.small-table td{padding:2px 6px}
.small-table tbody th{font-weight:500;background:none}
.heat td,.heat th{padding:3px 8px}
.heat td b{font-weight:600;display:block}
.heat td i{font-style:normal;font-size:11.5px;display:block;white-space:nowrap}
.heat .mean-row>*{border-bottom:1px solid var(--strong-rule)}
.tables{display:flex;flex-wrap:wrap;gap:4px 48px}
.tables .scroll{max-width:100%}
.tint-key{font-size:12.5px;color:var(--soft);margin:24px 0 0;max-width:none}
.swatch{display:inline-block;min-width:40px;padding:1px 6px;text-align:center;color:var(--ink)}
.cpu,.search{max-width:860px}.search td{white-space:normal}
.cpu th,.cpu td{width:1%}
.cpu .bar-cell{width:97%}
.bar{display:block;height:11px;min-width:1px;background:var(--accent)}
.change{margin:0 0 10px}
.change strong{display:block;font-size:26px;line-height:1.2;letter-spacing:-.01em;font-weight:600}
.change span{font-size:13px;color:var(--soft)}
details{margin-top:20px}
summary{cursor:pointer;font-weight:600}
"""

_CHARTS = """
figure{margin:0}
svg{display:block;width:100%;height:auto;overflow:visible;font:12px var(--sans)}
figcaption{font-size:13px;color:var(--soft);margin-top:6px}
.only-narrow{display:none}
.chart-row{display:grid;grid-template-columns:minmax(0,1.9fr) minmax(300px,1fr);gap:36px;align-items:start}
.chart{max-width:860px}
.chart+.beside{padding-top:12px}
.key{list-style:none;margin:8px 0 0;padding:0;display:flex;flex-wrap:wrap;gap:3px 18px;font-size:13px;color:var(--soft)}
.key li{display:flex;align-items:center;gap:6px}
.key .sample{width:18px;height:16px;flex:none}
.axes text{fill:var(--soft);font-size:11px}
.axis-name,.panel-name{fill:var(--soft);font-size:11px}
.panel-name{fill:var(--ink);font-weight:600;font-size:12px}
.grid{stroke:var(--rule);stroke-width:1;fill:none}
.axis{stroke:var(--strong-rule);stroke-width:1;fill:none}
.hull-line{fill:none;stroke:var(--c,var(--soft));stroke-width:1.25}
.ladder-line{fill:none;stroke:var(--ink);stroke-width:2}
.fixed-line{fill:none;stroke:var(--fixed);stroke-width:1.5;stroke-dasharray:5 4}
.fixed-mark{fill:var(--paper);stroke:var(--fixed);stroke-width:1.5}
.rung-dot{fill:var(--c,var(--ink));stroke:var(--paper);stroke-width:1.5}
.promise-ring{fill:none;stroke:var(--c,var(--ink));stroke-width:1.5}
.miss-line{fill:none;stroke:var(--c,var(--ink));stroke-width:1.25}
.label{font-size:12px;fill:var(--ink);paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}
.rung-label{font-weight:600}
.hull-label{fill:var(--c)}
.fixed-label{fill:var(--fixed)}
[data-rung].lit .rung-dot{r:8px}
tr[data-rung].lit>*{background:var(--panel)}
.time-line{margin:18px 0 0}
.shot-bar rect{fill:var(--accent);fill-opacity:.82}
.shot-bar:hover rect{fill-opacity:1}
.bar-score{fill:var(--paper);font-size:11px;font-weight:600}
.bar-score.out{fill:var(--ink)}
.mean-line{stroke:var(--ink);stroke-width:1;stroke-dasharray:1.5 3;fill:none}
.strip-name{fill:var(--ink);font-weight:600;font-size:12px}
.shot-number{fill:var(--ink);font-size:11px;font-weight:600}
.point{fill:var(--paper);stroke:var(--c);stroke-width:1.1}
.point.hull{fill:var(--c)}
.shot-hull{fill:none;stroke:var(--ink);stroke-width:1;stroke-opacity:.55}
.operating-ring{fill:none;stroke:var(--ink);stroke-width:1.25}
.operating-number{font-size:10.5px;font-weight:600;fill:var(--ink);paint-order:stroke;stroke:var(--paper);
stroke-width:2.5px}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,540px),1fr));gap:30px 40px;margin-top:20px}
.cards .operating-ring{stroke-width:1.2}
.card{border-top:1px solid var(--rule);padding-top:10px}
.telling{font-size:13px;color:var(--soft);margin:1px 0 8px}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,240px),1fr));gap:14px 22px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,500px),1fr));gap:0 44px}
"""

_MEDIA = """
@media (max-width:900px){.chart-row{grid-template-columns:minmax(0,1fr)}}
@media (max-width:620px){
main{padding:24px 16px 48px}h1{font-size:27px}.lede{font-size:18px}
.only-wide{display:none}.only-narrow{display:block;max-width:440px}.reason{min-width:26em}th,td{padding:5px 6px}
.facts{grid-template-columns:1fr 1fr}
}
@media print{
@page{margin:14mm}
body{font-size:10.5pt}main{max-width:none;padding:0}nav{display:none}
.scroll{overflow:visible}table{font-size:8.5pt}th,td{padding:2px 4px}.reason{min-width:0}tbody th{position:static}
.chart-row{grid-template-columns:minmax(0,1.7fr) minmax(0,1fr);gap:18px}.beside table{font-size:7.5pt}
.facts{grid-template-columns:repeat(5,auto)}.facts b{font-size:13pt}.change strong{font-size:15pt}.lede{font-size:14pt}
.card,tr,figure,.verdicts,.facts,.chart-row,.ladder,.cpu{break-inside:avoid}section{margin-top:22px;padding-top:12px}h2,h3{break-after:avoid}
.cards{grid-template-columns:1fr;gap:12px}.panels{grid-template-columns:1fr 1fr}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
"""

STYLE = (
    f":root{{color-scheme:light dark;{_variables(LIGHT_COLORS, LIGHT_RAMP)}}}"
    f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(DARK_COLORS, DARK_RAMP)}}}}}"
    f"{_PAGE}{_TABLES}{_CHARTS}{_generated()}{_MEDIA}"
)
"""The whole style sheet."""

SCRIPT = """
document.addEventListener("mouseover", event => {
  const rung = event.target.closest("[data-rung]")?.dataset.rung;
  document.querySelectorAll("[data-rung]").forEach(part => part.classList.toggle("lit", part.dataset.rung === rung));
});
"""
"""Lights a rung in chart and table together; nothing is lost without it."""
