@echo off
chcp 65001 >nul
set PYTHONUTF8=1
cd /d "%~dp0"
if not exist .venv\Scripts\riskfund.exe (
    echo 还没有安装，请先双击“安装.bat”。
    pause
    exit /b 1
)
.venv\Scripts\riskfund dashboard
if errorlevel 1 pause
