@echo off
chcp 65001 >nul
set PYTHONUTF8=1
cd /d "%~dp0"
py -@PYTHON@ -c "" 2>nul
if errorlevel 1 (
    echo 没有找到 Python @PYTHON@（64位）。请先安装 Python @PYTHON@，再双击本文件。
    pause
    exit /b 1
)
if not exist .venv py -@PYTHON@ -m venv .venv
if errorlevel 1 goto failed
.venv\Scripts\python -m pip install --disable-pip-version-check --no-index --find-links wheels\windows riskfund
if errorlevel 1 goto failed
.venv\Scripts\riskfund doctor
if errorlevel 1 goto failed
echo 安装完成。双击“启动.bat”打开。
pause
exit /b 0
:failed
echo 安装没有完成，上面几行说明了原因。改正后可以再次双击本文件。
pause
exit /b 1
