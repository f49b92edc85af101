"""Shots as filter graphs: each returns the text of one chain of lavfi sources that ends in a label.

Everything random is seeded, so the same ffmpeg makes the same pictures. Sizes follow the picture's width, so that the
tiny clips show the same things as the large one.
"""

from collections.abc import Callable
from dataclasses import dataclass

PAGE_INPUT = "page"
"""Stands in a graph for the input that carries the typeset page."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The canvas of a clip."""

    width_px: int
    height_px: int
    rate: str
    """Frames per second as ffmpeg writes it: ``24``, ``24000/1001``."""

    @property
    def size(self) -> str:
        """Size as ffmpeg writes it."""
        return f"{self.width_px}x{self.height_px}"

    def px(self, share: float) -> int:
        """Returns a share of the width as an even number of pixels, at least 2."""
        return max(2, 2 * round(self.width_px * share / 2))


ShotGraph = Callable[[Frame], str]
"""Builds the chain of one shot, without its end (length, label)."""


def flat_animation(frame: Frame) -> str:
    """Moving flat shapes before a fine grid: what a cartoon asks of an encoder."""
    size, rate, width = frame.size, frame.rate, frame.width_px
    ball, box, bar_w, bar_h = frame.px(0.17), frame.px(0.12), frame.px(0.26), frame.px(0.1)
    radius, spin = ball // 2, frame.px(0.29)
    return (
        # A flat sky, no gradient: eight-bit gradients band, and then the source itself scores below 92.
        f"color=0x2464a8:s={size}:r={rate},format=yuv444p,drawgrid=w={frame.px(0.05)}:h={frame.px(0.05)}:t=1:c=0x5f9fd0@0.5[sky];"
        f"color=0xf79256:s={ball}x{ball}:r={rate},format=yuva444p,"
        f"geq=lum='lum(X,Y)-40*gt(sin(X/{radius}*18),0.4)':cb='cb(X,Y)':cr='cr(X,Y)'"
        f":a='255*clip({radius}-hypot(X-{radius},Y-{radius}),0,1)',"
        "trim=end_frame=1,loop=-1:1:0,setpts=N/FR/TB[ball];"
        f"color=0xfbd1a2:s={bar_w}x{bar_h}:r={rate},format=yuva444p,"
        f"rotate=a='2.1*t':c=0x00000000:ow={spin}:oh={spin}[bar];"
        f"color=0x7dcfb6:s={width}x{frame.px(0.07)}:r={rate},format=yuv444p[floor];"
        f"color=0x00b2ca:s={box}x{box}:r={rate},format=yuv444p,drawgrid=w={box // 4}:h={box // 4}:t=2:c=0x003049[box];"
        "[sky][floor]overlay=0:H-h[p0];"
        "[p0][bar]overlay=x='W*(0.05+0.2*t)':y='H*(0.2+0.06*sin(3*t))'[p1];"
        "[p1][box]overlay=x='W*(0.85-0.15*t)':y='H*(0.66-abs(0.42*sin(2.5*t)))'[p2];"
        "[p2][ball]overlay=x='W*(0.4+0.26*sin(1.7*t))':y='H*(0.57-abs(0.5*cos(3.1*t)))'"
    )


def fine_texture(frame: Frame) -> str:
    """A slow turning pan over stone: detail everywhere, one motion for all of it."""
    side = 2 * round(frame.width_px * 0.6)
    still = 2 * side
    return (
        f"perlin=s={side // 2}x{side // 2}:r={frame.rate}:octaves=7:persistence=0.66:xscale=5:yscale=5"
        ":random_mode=seed:random_seed=11,trim=end_frame=1,format=gray,"
        f"scale={still}:{still}:flags=bicubic,noise=c0s=14:c0f=u:c0_seed=5,gblur=0.7,format=yuv420p,"
        "lutyuv=y='clip((val-60)*1.6,16,235)',"
        "geq=lum='lum(X,Y)':cb='118+(lum(2*X,2*Y)-110)/9':cr='134-(lum(2*X,2*Y)-110)/11',"
        "loop=-1:1:0,setpts=N/FR/TB,rotate=a='0.05+0.06*t':bilinear=1,"
        f"crop={frame.width_px}:{frame.height_px}:x='iw*(0.20+0.03*t)':y='ih*(0.28+0.025*t)'"
    )


def dark_grain(frame: Frame) -> str:
    """Dim light that wanders through a dark room, under film grain."""
    return (
        f"gradients=s={frame.size}:r={frame.rate}:c0=0x0c0c16:c1=0x46361e:c2=0x14283a:n=3:speed=0.03:seed=3"
        f":x0={frame.px(0.1)}:y0={frame.px(0.05)}:x1={frame.px(0.9)}:y1={frame.px(0.5)},format=yuv420p,"
        f"drawbox=x={frame.px(0.62)}:y={frame.px(0.1)}:w={frame.px(0.13)}:h={frame.px(0.2)}:c=0x5c5030@0.8:t=fill,"
        f"drawgrid=x={frame.px(0.04)}:w={frame.px(0.09)}:h={frame.px(0.3)}:t={frame.px(0.006)}:c=0x000000@0.45,"
        "noise=c0s=5:c0f=t+u:c1s=2:c1f=t+u:c2s=2:c2f=t+u:c0_seed=7:c1_seed=8:c2_seed=9,gblur=0.9"
    )


def fast_particles(frame: Frame) -> str:
    """Three layers of sparks that fly through each other: motion that no single vector describes."""
    layers = (("far", 21, 34, 1.6, "h=0.003:v=0.004"), ("mid", 22, 35, 2.4, "h=-0.007:v=0.008"),
              ("near", 23, 36, 3.6, "h=0.012:v=-0.014"))  # fmt: skip
    sparks = "".join(
        f"color=gray:s={frame.size}:r={frame.rate},format=gray,trim=end_frame=1,noise=c0s=100:c0f=u:c0_seed={seed},"
        f"gblur=1.2,lutyuv=y='clip((val-128-{cut - 14})*60,0,255)',gblur={blur},lutyuv=y='clip(val*9,0,255)',"
        f"loop=-1:1:0,setpts=N/FR/TB,scroll={speed},format=gbrp[{name}];"
        for name, seed, cut, blur, speed in layers
    )
    return (
        f"{sparks}color=0x3a1a46:s={frame.size}:r={frame.rate},format=gbrp[glow];"
        "[glow][far]blend=all_mode=screen:all_opacity=0.6[q0];[q0][mid]blend=all_mode=screen:all_opacity=0.8[q1];"
        "[q1][near]blend=all_mode=screen"
    )


def scrolling_text(frame: Frame) -> str:
    """A typeset page that scrolls at the speed of end credits. Its glyphs come from ffmpeg itself: no font needed."""
    page_w, page_h = frame.width_px, frame.width_px * 3 // 4
    return (
        f"[{PAGE_INPUT}]trim=end_frame=1,scale={page_w}:{page_h}:flags=lanczos,format=yuv444p,"
        "lutyuv=y='clip(28+val*0.85,16,235)':u=120:v=132,loop=-1:1:0,"
        f"setpts=N/({frame.rate})/TB,fps={frame.rate},scroll=v=0.0031,crop={frame.width_px}:{frame.height_px}:0:0"
    )
