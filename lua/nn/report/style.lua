-- report/style.lua: how a report looks: on a light screen, a dark one, on paper.
return [[
:root{--ink:#222222;--muted:#555555;--axis:#8c8c8c;--grid:#e4e4e4;--paper:#ffffff;--page:#ffffff;
--edge:#dddddd;--tint:#f5f5f5;--s1:#0072b2;--s2:#d55e00;--s3:#009e73;--s4:#cc79a7;--s5:#e69f00;
--s6:#56b4e9;--s7:#4d4d4d;--s8:#8a7500;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root:not(.light){--ink:#e8e8e8;--muted:#b4b4b4;--axis:#8c8c8c;
--grid:#3a3a3a;--paper:#1d1f21;--page:#151617;--edge:#3a3a3a;--tint:#222426;--s1:#4aa8e0;
--s2:#f2843a;--s3:#2cc79b;--s4:#dd9bc0;--s5:#f0b84a;--s6:#8ccdf2;--s7:#bdbdbd;--s8:#c9b037}}
.fixed{--ink:#222222;--muted:#555555;--axis:#8c8c8c;--grid:#e4e4e4;--paper:#ffffff;--s1:#0072b2;
--s2:#d55e00;--s3:#009e73;--s4:#cc79a7;--s5:#e69f00;--s6:#56b4e9;--s7:#4d4d4d;--s8:#8a7500}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.55 Helvetica,Arial,"Liberation Sans","DejaVu Sans",sans-serif}
main{max-width:47rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.9rem;line-height:1.2;margin:.5rem 0 1rem}
h2{font-size:1.3rem;margin:2.2rem 0 .6rem}h3{font-size:1.05rem;margin:1.6rem 0 .4rem}
p{margin:.7rem 0}
figure{margin:1.4rem 0;position:relative}
figure svg{display:block;width:100%;height:auto;background:var(--paper);
border:1px solid var(--edge);border-radius:6px}
figcaption{font-size:.9rem;color:var(--muted);margin:.4rem 0}
svg [data-legend]{cursor:pointer}svg [data-legend]:focus-visible{outline:2px solid var(--s1)}
svg .off{opacity:.35}svg .gone{display:none}
.tip{position:absolute;pointer-events:none;background:var(--page);color:var(--ink);
border:1px solid var(--axis);border-radius:4px;padding:.25rem .5rem;font-size:.82rem;
line-height:1.35;white-space:nowrap;z-index:2}
.tip i{display:inline-block;width:.7em;height:.7em;border-radius:50%;margin-right:.4em}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;margin:.6rem 0}
th,td{padding:.22rem .7rem;border-bottom:1px solid var(--edge);text-align:right;vertical-align:top}
th{font-weight:600}th:first-child,.text{text-align:left}
thead th{border-bottom:2px solid var(--axis)}
pre{background:var(--tint);border:1px solid var(--edge);border-radius:6px;padding:.7rem .9rem;
overflow-x:auto;font:13px/1.45 ui-monospace,Consolas,"DejaVu Sans Mono",monospace}
details{margin:.6rem 0}summary{cursor:pointer;color:var(--muted)}
footer{margin-top:3rem;border-top:1px solid var(--edge);padding-top:.8rem;font-size:.9rem}
@media print{:root,:root:not(.light){--ink:#000000;--muted:#444444;--axis:#777777;--grid:#dddddd;
--paper:#ffffff;--page:#ffffff;--edge:#cccccc;--tint:#f7f7f7;--s1:#0072b2;--s2:#d55e00;--s3:#009e73;
--s4:#cc79a7;--s5:#e69f00;--s6:#56b4e9;--s7:#4d4d4d;--s8:#8a7500}
body{font-size:11pt}main{max-width:none;padding:0}figure,table,pre{break-inside:avoid}
h1,h2,h3{break-after:avoid}.tip{display:none}pre{white-space:pre-wrap}}
]]
