{
const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)")
document.querySelector(".theme")?.addEventListener("click", () => {
  const is = root.dataset.theme, next = (is == "auto" ? dark.matches : is == "dark") ? "light" : "dark"
  root.dataset.theme = localStorage.theme = (next == "dark") == dark.matches ? "auto" : next
})
if (navigator.clipboard) for (const pre of document.querySelectorAll(".prose pre")) {
  const copy = document.createElement("button"), say = text => copy.textContent = text
  copy.className = "copy"
  say("Copy")
  copy.onclick = async () => {
    await navigator.clipboard.writeText((pre.querySelector("code") ?? pre).textContent)
    say("Copied")
    setTimeout(say, 2000, "Copy")
  }
  pre.before(copy)
}
}
