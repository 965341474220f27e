# For a tap: Homebrew's own repository takes no formula that installs torch from a wheel.
class Midspan < Formula
  include Language::Python::Virtualenv

  desc "Code completion and chat by a model on your own machine"
  homepage "https://github.com/OWNER/midspan"
  url "https://github.com/OWNER/midspan/releases/download/v@VERSION@/midspan-@VERSION@.tar.gz"
  sha256 "@SHA256@"
  license "MIT"

  depends_on "python@3.13"

  def install
    venv = virtualenv_create(libexec, "python3.13")
    # The releases that Midspan is tested with, each file checked against its hash.
    locks = ["requirements/run.lock"]
    locks << "requirements/cuda.lock" if OS.linux? # PyPI's torch for Linux loads its libraries
    locks.each do |lock|
      system venv.root/"bin/python", "-m", "pip", "install", "--no-deps", "--require-hashes", "--requirement", lock
    end
    venv.pip_install_and_link buildpath
    bash_completion.install "packaging/completions/midspan"
    zsh_completion.install "packaging/completions/_midspan"
    fish_completion.install "packaging/completions/midspan.fish"
    man1.install "packaging/man/midspan.1"
  end

  test do
    (testpath/"area.py").write "def area(width, height):\n    return \n"
    system bin/"midspan", "complete", "area.py:2:12", "--all"
  end
end
